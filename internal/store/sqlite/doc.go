// Package sqlite keeps submissions in one SQLite file, for one process.
//
// # Writing
//
// One goroutine writes. Whatever steps wait — accepts, advances, claims, records
// — go into one transaction, and everyone is answered after its commit has been
// synced (WAL, synchronous=FULL). So the sync is shared under load, and a single
// step waits for nothing but its own (writer.go). A step that SQLite fails is
// repeated alone, as are its neighbours. After a sync that failed nobody is told
// success: the file is opened anew and proves with a write that it syncs.
//
// The rules are Go, not SQL: a step loads a submission with its deliveries,
// decides, and writes the rows that have changed. Because nobody else writes,
// what is in use stays in memory (tx.go).
//
// # The file
//
// Rows are stored in the order of time (key.go). Small rows that change lie apart
// from the large ones that do not. Random values — search hashes, idempotency
// keys — come in runs, so that a long journal costs no more than a short one
// (runs.go); who waits for whom by an order key is looked up in memory (queues.go);
// documents lie as they were rendered (documents.go). So a commit changes few pages.
// Every row that is not sealed carries a checksum over its columns
// (pack.go): one that fails it is set aside and its neighbours go on.
//
// # Folders
//
//	<dir>/stellwerk.db       the file, with -wal and -shm beside it
//	<dir>/stellwerk.lock     held by the process that has it open
//	<dir>/attachments/       sealed attachments; the store keeps their names only
package sqlite

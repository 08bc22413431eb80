// Package folder writes documents as files into a folder that the receiving
// system watches: a local one or a mounted share.
//
// A file appears under its name complete or not at all: it is written and synced
// under a name in the work folder .stellwerk and renamed. A delivery's last file
// is the one that makes it count (the document, or the marker behind it); all
// others are in place before.
//
// An attachment beside its document whose name ends as the document's or the marker's
// does gets .anlage behind it, or the receiver would take it for one.
//
// Receivers move files away, so a name that is not there says nothing about an
// earlier attempt. Therefore each delivery leaves a receipt in the work folder,
// written after its last file is complete and before that file is renamed:
//
//	receipt, and the last file still in the work folder   crashed before the rename: go on
//	receipt, and the last file not in the work folder     it was renamed: delivered
//	no receipt                                            not delivered
//
// A receipt holds two checksums and no personal data; old ones are removed. To
// have a document written again that the receiver has lost, remove its receipt.
package folder

import "stellwerk/connectors"

// Kind is the protocol.
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "folder",
		Summary:   "files into a watched folder, complete or not at all",
		Configure: configure,
	}
}

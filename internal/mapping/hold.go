package mapping

import "fmt"

// Code says in one stable word why a delivery is held.
type Code string

// The reasons for a hold.
const (
	CodeRequired      Code = "required"        // a required field is empty
	CodeUnknownCode   Code = "unknown-code"    // not in the code list, the map or the ordinance's keys
	CodeRefused       Code = "refused"         // a check step said no
	CodeAmbiguous     Code = "ambiguous"       // several nodes where one is wanted
	CodeNotADate      Code = "not-a-date"      // a date step met something else
	CodeNotANumber    Code = "not-a-number"    // a money step or a JSON type met something else
	CodeCharacter     Code = "character"       // the target cannot hold a character
	CodeTooLong       Code = "too-long"        // longer than its field
	CodeNoRate        Code = "no-rate"         // no ordinance, no table valid, no row
	CodeNumberRange   Code = "number-range"    // no number could be assigned
	CodeExpression    Code = "expression"      // an expression stopped with an error
	CodeNoRecords     Code = "no-records"      // nothing to send
	CodeFormula       Code = "formula"         // csv: a value that a spreadsheet would run
	CodeFileName      Code = "file-name"       // a character that is not fit for a file name
	CodeSchema        Code = "schema"          // the result does not fit its schema
	CodeNotWellFormed Code = "not-well-formed" // the result cannot be read again
	CodeNoOriginal    Code = "no-original"     // the payload as it came is not at hand
)

// Hold stops a delivery until a person has looked at it; the delivery is parked
// as unmapped. Message and Detail never hold personal data and may be logged;
// Value may, and is for sealed storage and authorised eyes only.
type Hold struct {
	Mapping string // the mapping file
	Line    int    // the field's line in it
	Field   string // target field
	Record  int    // which record, from 1; 0: not in a record
	Code    Code
	Detail  string // what was met or wanted, without personal data: "30", "windows-1252", "hunderassen/infoma"
	Message string // one English sentence for operators
	Value   string // the value that could not be carried
}

// Error gives place, field and reason, without the value.
func (h *Hold) Error() string {
	rec := ""
	if h.Record > 1 {
		rec = fmt.Sprintf(" (record %d)", h.Record)
	}
	return fmt.Sprintf("%s:%d: %s%s: %s", h.Mapping, h.Line, h.Field, rec, h.Message)
}

package gate

// The codes of refusals. They are part of the API: portals react to them.
const (
	codeEmpty             = "empty"
	codeMediaType         = "media-type"
	codeCharset           = "encoding-unsupported"
	codeEncodingConflict  = "encoding-conflict"
	codeInvalidEncoding   = "invalid-encoding"
	codeInvalidUTF8       = "invalid-utf8"
	codeLimitBytes        = "limit-bytes"
	codeLimitNodes        = "limit-nodes"
	codeLimitDepth        = "limit-depth"
	codeLimitAttributes   = "limit-attributes"
	codeLimitAttribute    = "limit-attribute-bytes"
	codeLimitMembers      = "limit-members"
	codeLimitName         = "limit-name"
	codeLimitText         = "limit-text"
	codeLimitNamespaces   = "limit-namespaces"
	codeLimitNamespace    = "limit-namespace-bytes"
	codeLimitReferences   = "limit-references"
	codeLimitNumber       = "limit-number"
	codeXMLDeclaration    = "xml-declaration"
	codeXMLVersion        = "xml-version"
	codeXMLDoctype        = "xml-doctype"
	codeXMLCharacter      = "xml-character"
	codeXMLEnd            = "xml-unexpected-end"
	codeXMLNoRoot         = "xml-no-root"
	codeXMLOutside        = "xml-text-outside-root"
	codeXMLSecondRoot     = "xml-second-root"
	codeXMLName           = "xml-name"
	codeXMLTag            = "xml-tag"
	codeXMLAttribute      = "xml-attribute"
	codeXMLLess           = "xml-attribute-less-than"
	codeXMLDuplicate      = "xml-duplicate-attribute"
	codeXMLMismatch       = "xml-end-tag"
	codeXMLPrefix         = "xml-prefix-undeclared"
	codeXMLReserved       = "xml-namespace-reserved"
	codeXMLNoNamespace    = "xml-namespace-empty"
	codeXMLEntity         = "xml-entity-undeclared"
	codeXMLReference      = "xml-reference"
	codeXMLCharRef        = "xml-character-reference"
	codeXMLCDATAEnd       = "xml-cdata-end"
	codeXMLComment        = "xml-comment"
	codeXMLInstruction    = "xml-processing-instruction"
	codeXMLMarkup         = "xml-markup"
	codeJSONBOM           = "json-bom"
	codeJSONTop           = "json-top-level"
	codeJSONSyntax        = "json-syntax"
	codeJSONLiteral       = "json-literal"
	codeJSONNumber        = "json-number"
	codeJSONControl       = "json-control-character"
	codeJSONEscape        = "json-escape"
	codeJSONSurrogate     = "json-surrogate"
	codeJSONNUL           = "json-nul"
	codeJSONDuplicate     = "json-duplicate-key"
	codeJSONDuplicateCase = "json-duplicate-key-case"
	codeJSONTrailing      = "json-trailing-data"
	codeJSONEnd           = "json-unexpected-end"
)

// sentence is what stands behind "line, column:". {name} becomes a quoted name
// with a blank before it, or nothing; {n} the limit.
type sentence struct{ de, en string }

var sentences = map[string]sentence{
	codeEmpty: {
		"Der Inhalt ist leer. Bitte das Dokument mitsenden.",
		"the body is empty; send the document."},
	codeMediaType: {
		"Der Medientyp{name} wird nicht angenommen. Bitte application/xml oder application/json angeben.",
		"the media type{name} is not accepted; use application/xml or application/json."},
	codeCharset: {
		"Die Zeichenkodierung{name} wird nicht angenommen. Bitte UTF-8 verwenden (in XML auch UTF-16 mit BOM, ISO-8859-1, ISO-8859-15 und windows-1252).",
		"the encoding{name} is not accepted; use UTF-8 (in XML UTF-16 with a BOM, ISO-8859-1, ISO-8859-15 and windows-1252 are accepted too)."},
	codeEncodingConflict: {
		"Die Angaben zur Zeichenkodierung widersprechen sich. Bitte dafür sorgen, dass BOM, XML-Deklaration und Content-Type dieselbe Kodierung nennen.",
		"the statements about the encoding contradict each other; let BOM, XML declaration and Content-Type name the same one."},
	codeInvalidEncoding: {
		"Hier stehen Bytes, die es in der angegebenen Zeichenkodierung nicht gibt. Bitte das Dokument neu erzeugen.",
		"there are bytes here that the declared encoding does not have; produce the document anew."},
	codeInvalidUTF8: {
		"Hier stehen Bytes, die kein gültiges UTF-8 sind. Bitte das Dokument in UTF-8 erzeugen oder seine Kodierung angeben.",
		"there are bytes here that are not valid UTF-8; produce the document in UTF-8 or declare its encoding."},
	codeLimitBytes: {
		"Das Dokument ist größer als {n} Bytes. Bitte Anlagen getrennt senden.",
		"the document is larger than {n} bytes; send attachments separately."},
	codeLimitNodes: {
		"Das Dokument hat mehr als {n} Elemente, Attribute oder Werte. Bitte aufteilen.",
		"the document has more than {n} elements, attributes or values; split it."},
	codeLimitDepth: {
		"Die Verschachtelung ist tiefer als {n} Ebenen. Bitte das Dokument flacher aufbauen.",
		"the nesting is deeper than {n} levels; build a flatter document."},
	codeLimitAttributes: {
		"Das Element{name} hat mehr als {n} Attribute. Bitte Attribute weglassen.",
		"the element{name} has more than {n} attributes; leave some out."},
	codeLimitAttribute: {
		"Die Attributwerte sind zu lang (einer höchstens {n} Bytes). Bitte lange Texte als Element übermitteln.",
		"the attribute values are too long (one may have {n} bytes); send long text as an element."},
	codeLimitMembers: {
		"Das Objekt und die um es herum haben mehr als {n} Schlüssel. Bitte aufteilen oder eine Liste verwenden.",
		"the object and those around it have more than {n} keys; split it or use an array."},
	codeLimitName: {
		"Ein Name ist länger als {n} Bytes. Bitte kürzere Namen verwenden.",
		"a name is longer than {n} bytes; use shorter names."},
	codeLimitText: {
		"Ein Text ist länger als {n} Bytes. Bitte lange Inhalte als Anlage senden.",
		"a text is longer than {n} bytes; send long content as an attachment."},
	codeLimitNamespaces: {
		"Es gelten mehr als {n} Namensraum-Deklarationen zugleich. Bitte überzählige entfernen.",
		"more than {n} namespace declarations are in scope; remove some."},
	codeLimitNamespace: {
		"Ein Namensraum-Name ist länger als {n} Bytes. Bitte einen kürzeren verwenden.",
		"a namespace name is longer than {n} bytes; use a shorter one."},
	codeLimitReferences: {
		"Das Dokument hat mehr als {n} Entitäts- oder Zeichenverweise. Bitte die Zeichen direkt schreiben.",
		"the document has more than {n} entity or character references; write the characters themselves."},
	codeLimitNumber: {
		"Eine Zahl ist zu lang oder zu groß. Bitte höchstens {n} Zeichen und Zehnerpotenzen bis 999 verwenden.",
		"a number is too long or too large; use at most {n} characters and powers of ten up to 999."},
	codeXMLDeclaration: {
		"Die XML-Deklaration ist fehlerhaft oder steht nicht ganz am Anfang. Bitte so beginnen: <?xml version=\"1.0\" encoding=\"UTF-8\"?>.",
		"the XML declaration is malformed or not at the very beginning; begin with <?xml version=\"1.0\" encoding=\"UTF-8\"?>."},
	codeXMLVersion: {
		"Nur XML 1.0 wird angenommen. Bitte version=\"1.0\" angeben.",
		"only XML 1.0 is accepted; declare version=\"1.0\"."},
	codeXMLDoctype: {
		"Das Dokument hat eine DOCTYPE-Angabe. Bitte sie entfernen; sie wird aus Sicherheitsgründen nicht angenommen.",
		"the document has a DOCTYPE; remove it, for safety it is not accepted."},
	codeXMLCharacter: {
		"Hier steht ein Zeichen, das in XML nicht erlaubt ist. Bitte es entfernen.",
		"there is a character here that XML does not allow; remove it."},
	codeXMLEnd: {
		"Das Dokument endet mitten im Inhalt. Bitte das vollständige Dokument senden.",
		"the document ends in the middle; send the whole document."},
	codeXMLNoRoot: {
		"Das Dokument hat kein Wurzelelement. Bitte ein Element mit dem Inhalt senden.",
		"the document has no root element; send one that holds the content."},
	codeXMLOutside: {
		"Außerhalb des Wurzelelements steht Text. Bitte ihn entfernen.",
		"there is text outside of the root element; remove it."},
	codeXMLSecondRoot: {
		"Nach dem Wurzelelement folgt ein weiteres Element. Bitte je Dokument nur ein Wurzelelement senden.",
		"another element follows the root element; send one root element a document."},
	codeXMLName: {
		"Hier wird ein gültiger Name erwartet. Bitte Namen mit Buchstabe oder Unterstrich beginnen und höchstens einen Doppelpunkt verwenden.",
		"a valid name is expected here; begin names with a letter or an underscore and use one colon at most."},
	codeXMLTag: {
		"Das Tag{name} ist fehlerhaft. Bitte Leerzeichen, Schrägstrich und schließende Klammer prüfen.",
		"the tag{name} is malformed; check blanks, slash and closing bracket."},
	codeXMLAttribute: {
		"Das Attribut{name} ist fehlerhaft. Bitte in der Form name=\"wert\" schreiben.",
		"the attribute{name} is malformed; write it as name=\"value\"."},
	codeXMLLess: {
		"Im Wert des Attributs{name} steht ein Kleiner-Zeichen. Bitte dafür &lt; schreiben.",
		"the value of the attribute{name} has a less-than sign; write &lt; instead."},
	codeXMLDuplicate: {
		"Das Attribut{name} steht mehr als einmal am selben Element. Bitte nur eines behalten.",
		"the attribute{name} occurs more than once in the same element; keep one."},
	codeXMLMismatch: {
		"Hier wird das Ende-Tag des Elements{name} erwartet. Bitte Anfang und Ende der Elemente prüfen.",
		"the end tag of the element{name} is expected here; check where elements begin and end."},
	codeXMLPrefix: {
		"Das Namensraum-Präfix{name} ist nicht deklariert. Bitte xmlns für dieses Präfix angeben.",
		"the namespace prefix{name} is not declared; declare it with xmlns."},
	codeXMLReserved: {
		"Die Präfixe xml und xmlns und ihre Namensräume sind reserviert. Bitte ein anderes Präfix verwenden.",
		"the prefixes xml and xmlns and their namespaces are reserved; use another prefix."},
	codeXMLNoNamespace: {
		"Das Präfix{name} wird mit einem leeren Namensraum deklariert. Bitte den Namensraum angeben.",
		"the prefix{name} is declared with an empty namespace; name the namespace."},
	codeXMLEntity: {
		"Die Entität{name} gibt es nicht. Bitte nur &lt; &gt; &amp; &quot; &apos; oder das Zeichen selbst verwenden.",
		"the entity{name} does not exist; use only &lt; &gt; &amp; &quot; &apos; or the character itself."},
	codeXMLReference: {
		"Nach dem Und-Zeichen folgt kein gültiger Verweis. Bitte für das Zeichen selbst &amp; schreiben.",
		"no valid reference follows the ampersand; write &amp; for the character itself."},
	codeXMLCharRef: {
		"Der Zeichenverweis nennt kein Zeichen, das in XML erlaubt ist. Bitte ihn entfernen.",
		"the character reference names no character that XML allows; remove it."},
	codeXMLCDATAEnd: {
		"Im Text steht die Zeichenfolge ]]>. Bitte ]]&gt; schreiben.",
		"the text has the characters ]]>; write ]]&gt; instead."},
	codeXMLComment: {
		"Der Kommentar ist fehlerhaft. Bitte in Kommentaren keine zwei Bindestriche hintereinander verwenden.",
		"the comment is malformed; use no two hyphens in a row inside comments."},
	codeXMLInstruction: {
		"Die Verarbeitungsanweisung ist fehlerhaft. Bitte sie entfernen.",
		"the processing instruction is malformed; remove it."},
	codeXMLMarkup: {
		"Hier steht eine unbekannte Auszeichnung. Bitte nur Elemente, Kommentare und CDATA-Abschnitte verwenden.",
		"there is unknown markup here; use only elements, comments and CDATA sections."},
	codeJSONBOM: {
		"Das Dokument beginnt mit einem BOM. Bitte JSON in UTF-8 ohne BOM senden.",
		"the document begins with a BOM; send JSON in UTF-8 without one."},
	codeJSONTop: {
		"Das Dokument ist kein JSON-Objekt. Bitte die Angaben in geschweiften Klammern senden.",
		"the document is not a JSON object; send the data in curly brackets."},
	codeJSONSyntax: {
		"Hier steht ein Zeichen, das an dieser Stelle in JSON nicht stehen darf. Bitte Kommas, Klammern, Doppelpunkte und Anführungszeichen prüfen.",
		"there is a character here that JSON does not allow at this place; check commas, brackets, colons and quotes."},
	codeJSONLiteral: {
		"Hier steht ein Wort, das JSON nicht kennt. Bitte true, false oder null verwenden oder den Text in Anführungszeichen setzen.",
		"there is a word here that JSON does not know; use true, false or null, or put the text in quotes."},
	codeJSONNumber: {
		"Hier steht keine gültige JSON-Zahl. Bitte ohne führende Null und mit Ziffern nach dem Punkt schreiben, oder den Text in Anführungszeichen setzen.",
		"this is not a valid JSON number; write it without a leading zero and with digits after the point, or put the text in quotes."},
	codeJSONControl: {
		"Im Text steht ein Steuerzeichen. Bitte es als Escape-Folge schreiben (etwa \\n) oder entfernen.",
		"the text has a control character; write it as an escape (such as \\n) or remove it."},
	codeJSONEscape: {
		"Hier steht eine ungültige Escape-Folge. Bitte für den Schrägstrich selbst \\\\ schreiben.",
		"there is an invalid escape here; write \\\\ for the backslash itself."},
	codeJSONSurrogate: {
		"Hier steht die Hälfte eines Zeichens (einzelnes Surrogat). Bitte das ganze Zeichen senden.",
		"there is half a character here (a lone surrogate); send the whole character."},
	codeJSONNUL: {
		"Im Text steht das Zeichen U+0000. Bitte es entfernen.",
		"the text has the character U+0000; remove it."},
	codeJSONDuplicate: {
		"Der Schlüssel{name} steht mehr als einmal im selben Objekt. Bitte nur einen behalten.",
		"the key{name} occurs more than once in the same object; keep one."},
	codeJSONDuplicateCase: {
		"Der Schlüssel{name} unterscheidet sich von einem anderen desselben Objekts nur in Groß- und Kleinschreibung. Bitte nur einen behalten.",
		"the key{name} differs from another one of the same object only in upper and lower case; keep one."},
	codeJSONTrailing: {
		"Nach dem Ende des Dokuments folgen weitere Zeichen. Bitte nur ein Objekt senden.",
		"more characters follow the end of the document; send one object only."},
	codeJSONEnd: {
		"Das Dokument endet mitten im Inhalt. Bitte das vollständige Dokument senden.",
		"the document ends in the middle; send the whole document."},
}

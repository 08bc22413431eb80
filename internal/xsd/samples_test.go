package xsd_test

import (
	"context"
	"os"
	"path"
	"strings"
	"testing"

	"stellwerk/internal/xsd"
)

// samples gives the folder of public schemas and messages, with its catalogue.
func samples(t testing.TB) (xsd.Source, string) {
	root := os.Getenv("STELLWERK_SAMPLES")
	if root == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("STELLWERK_SAMPLES must name the folder of sample schemas and messages")
		}
		t.Skip("STELLWERK_SAMPLES does not name a folder of sample schemas and messages")
	}
	catalog, err := xsd.ReadCatalog(context.Background(), os.DirFS(root), "catalog.xml")
	if err != nil {
		t.Fatal(err)
	}
	return xsd.Files(os.DirFS(root), catalog), root
}

var sampleSchemas = []string{
	"xdomea/schemes/xdomea_3.0.0/xdomea.xsd",
	"xwasser/schemas/V1_0_0/xwasser.xsd",
	"xbeteiligung/xsd/xbeteiligung.xsd",
	"sepa/xsd/pain.008.001.02.xsd",
	"sepa/xsd/pain.008.001.08.xsd",
	"cmis/cmis11/CMIS-Core.xsd",
	"cmis/cmis11/CMIS-Messaging.xsd",
	"xta/XTA-Webservice-Globale-Elemente.xsd",
	"xta/XTA-Webservice-Exceptions.xsd",
	"xta/XTA-Webservice-Datentypen.xsd",
	"xta/OSCI2_02.xsd",
	"xoev-base/xsd/xoev-basisnachricht-unqualified-g2g_1.1.xsd",
	"xoev-base/xsd/xoev-basisnachricht-g2g_1.1.xsd",
}

func TestSampleSchemasCompile(t *testing.T) {
	src, _ := samples(t)
	for _, file := range sampleSchemas {
		t.Run(path.Base(file), func(t *testing.T) {
			s, err := xsd.Compile(context.Background(), src, file)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range s.Warnings() {
				if !strings.Contains(w.Text, "is taken from") {
					t.Errorf("warning: %s", w)
				}
			}
			if len(s.Files()) == 0 {
				t.Error("a schema of no files")
			}
		})
	}
}

// sampleMessages are the messages a schema is there for.
var sampleMessages = map[string]string{
	"xbeteiligung/messages/xbeteiligung-test-kommunal.Initiieren.0401.xml":             "xbeteiligung/xsd/xbeteiligung.xsd",
	"xwasser/messages/administration_receipt.xml":                                      "xwasser/schemas/V1_0_0/xwasser.xsd",
	"xwasser/messages/administration_receipt_test_result.xml":                          "xwasser/schemas/V1_0_0/xwasser.xsd",
	"xdomea/pattern/xdomea_3.0.0/xx_Aussonderung.Anbieteverzeichnis.0501.xml":          "xdomea/schemes/xdomea_3.0.0/xdomea.xsd",
	"xdomea/pattern/xdomea_3.0.0/xx_Aussonderung.Bewertungsverzeichnis.0502.xml":       "xdomea/schemes/xdomea_3.0.0/xdomea.xsd",
	"xdomea/pattern/xdomea_3.0.0/xx_Aussonderung.Aussonderung.0503.xml":                "xdomea/schemes/xdomea_3.0.0/xdomea.xsd",
	"xdomea/pattern/xdomea_3.0.0/xx_Aussonderung.AnbietungEmpfangBestaetigen.0504.xml": "xdomea/schemes/xdomea_3.0.0/xdomea.xsd",
	"sepa/messages/pain.008.001.02.xml":                                                "sepa/xsd/pain.008.001.02.xsd",
}

func TestSampleMessages(t *testing.T) {
	src, root := samples(t)
	for file, schemaFile := range sampleMessages {
		t.Run(path.Base(file), func(t *testing.T) {
			s, err := xsd.Compile(context.Background(), src, schemaFile)
			if err != nil {
				t.Fatal(err)
			}
			in, err := os.Open(path.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			found, err := s.Validate(context.Background(), in, xsd.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				t.Error(f)
			}
		})
	}
}

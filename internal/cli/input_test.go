package cli

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// Who is asked for a value and presses Ctrl-C is not kept, whatever the command.
func TestInputIsInterrupted(t *testing.T) {
	for _, args := range [][]string{
		{"list", "--search", "-"},
		{"erase", "-", "--reason", "x"},
		{"validate", "-", "--service", "hundeanmeldung", "--dir", "../../testdata/musterstadt"},
	} {
		c := newConsole(t, nil)
		in, nobody := io.Pipe()
		c.In = in
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		ended := make(chan int, 1)
		go func() { ended <- c.Run(ctx, args) }()
		select {
		case code := <-ended:
			if code != exitFailed || !strings.Contains(c.errorText(), "interrupted") {
				t.Errorf("%v ended with %d: %s", args, code, c.errorText())
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%v waits for ever", args)
		}
		cancel()
		if err := nobody.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The first line is enough: at a terminal nobody closes the input behind it.
func TestOneLineIsEnough(t *testing.T) {
	c := newConsole(t, nil)
	in, person := io.Pipe()
	c.In = in
	go func() {
		if _, err := io.WriteString(person, "Beispiel\n"); err != nil {
			t.Error(err)
		}
	}()
	got := make(chan string, 1)
	go func() {
		v, err := c.valueOrInput("-")
		if err != nil {
			t.Error(err)
		}
		got <- v
	}()
	select {
	case v := <-got:
		if v != "Beispiel" {
			t.Errorf("read %q", v)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits for the end of the input")
	}
	if err := person.Close(); err != nil {
		t.Error(err)
	}
}

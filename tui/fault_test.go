package tui_test

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tunebench/backend/dataset"
	"tunebench/tui"
	"tunebench/tui/uitest"
)

// bursting is a service that does not survive being used.
type bursting struct {
	tui.Datasets
	boom func()
}

func (b bursting) Prepare(context.Context, string, dataset.PrepareOptions, func(dataset.Progress)) (dataset.Manifest, error) {
	b.boom()
	return dataset.Manifest{}, nil
}

// TestFault: a panic in a command or in the model ends the workbench in good
// order: the terminal is given back, so is the account, and the error says where
// the report is.
func TestFault(t *testing.T) {
	for _, where := range []string{"a command", "View"} {
		t.Run(where, func(t *testing.T) {
			w := uitest.Full()
			d := w.Deps()
			var said string
			closed := false
			d.Report = func(text string) (string, error) { said = text; return "fault-1.txt", nil }
			open := d.Open
			d.Open = func(ctx context.Context) (*tui.Services, error) {
				svc, err := open(ctx)
				if err == nil {
					svc.Close = func(context.Context) error { closed = true; return nil }
				}
				return svc, err
			}
			var armed atomic.Bool
			boom := func() { panic("out of range: 7") }
			switch where {
			case "a command":
				d.Datasets = bursting{d.Datasets, boom}
			case "View":
				d.Now = func() time.Time {
					// Other work asks for the time as well; it is View that has to fail.
					if armed.Load() && bytes.Contains(debug.Stack(), []byte("(*App).View(")) {
						boom()
					}
					return uitest.Noon
				}
			}
			s := uitest.Start(t, d, 120, 40)
			s.Wait("000000000000")
			s.Press("1")
			if where == "a command" {
				s.Press("p", "enter")
			} else {
				armed.Store(true)
				s.Press("2")
			}
			err := s.Ended()
			if err == nil || !strings.Contains(err.Error(), "out of range: 7") || !strings.Contains(err.Error(), "The report is in fault-1.txt") {
				t.Fatalf("it ended with %v", err)
			}
			if !strings.Contains(said, "panic in "+where) || !strings.Contains(said, "fault_test.go") {
				t.Errorf("the report says:\n%s", said)
			}
			if !closed {
				t.Error("the account was not given back")
			}
		})
	}
}

// TestFaultWithoutReport: a report that cannot be written is in the error.
func TestFaultWithoutReport(t *testing.T) {
	d := uitest.Full().Deps()
	d.Report = func(string) (string, error) { return "", errors.New("no space left on device") }
	d.Datasets = bursting{d.Datasets, func() { panic("at a loss") }}
	s := uitest.Start(t, d, 120, 40)
	s.Wait("000000000000").Press("p", "enter")
	if err := s.Ended(); err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "goroutine") {
		t.Fatalf("it ended with %v", err)
	}
}

package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"tunebench/backend/files"
	"tunebench/backend/safetext"
	"tunebench/tui"
)

// clipboard finds out how a text gets to where it can be pasted from: by the
// desktop's own command on the machine in front of the user, by tmux, or else by
// the terminal, which may not take it and does not answer; a file holds the text
// then.
type clipboard struct {
	env  func(string) string
	look func(string) (string, error)
	file string // of the last copied text
}

// copyTime bounds a command that takes the text.
const copyTime = 5 * time.Second

func (c clipboard) copy(ctx context.Context, text string) (tui.Copied, error) {
	if c.env("SSH_CONNECTION") == "" && c.env("SSH_TTY") == "" {
		for _, x := range []struct {
			needs string
			args  []string
		}{{"", []string{"pbcopy"}}, {"WAYLAND_DISPLAY", []string{"wl-copy"}}, {"DISPLAY", []string{"xclip", "-selection", "clipboard"}}, {"DISPLAY", []string{"xsel", "-ib"}}, {"WSL_DISTRO_NAME", []string{"clip.exe"}}} {
			if x.needs == "" || c.env(x.needs) != "" {
				if c.give(ctx, text, x.args...) == nil {
					return tui.Copied{How: "by " + x.args[0]}, nil
				}
			}
		}
	}
	if c.env("TMUX") != "" && c.give(ctx, text, "tmux", "load-buffer", "-w", "-") == nil {
		return tui.Copied{How: "into tmux's buffer, and to the terminal's clipboard if tmux may (set-clipboard)"}, nil
	}
	how := "by OSC 52, if this terminal allows it"
	if err := files.Write(c.file, []byte(text), 0o600); err != nil {
		return tui.Copied{}, fmt.Errorf("keep what was copied: %w", err)
	}
	return tui.Copied{How: how + "; it is also in " + safetext.Line(c.file), Terminal: true}, nil
}

// give hands the text to a command; an error says that it is not there or failed.
func (c clipboard) give(ctx context.Context, text string, args ...string) error {
	path, err := c.look(args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, copyTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Stdin = strings.NewReader(text)
	cmd.WaitDelay = time.Second // xclip and wl-copy stay behind to serve the text
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return err
	}
	return nil
}

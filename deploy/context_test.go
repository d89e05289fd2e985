//go:build unix

package deploy_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// buildContext decides what an image builder is sent. It knows the part of the format that lists what is let in: `*`, then `!path`,
// then `**/pattern` for what is taken out again.
type buildContext struct{ in, out []string }

func parseIgnoreFile(name string) (*buildContext, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var c buildContext
	all := false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		let, isLet := strings.CutPrefix(line, "!")
		out, isOut := strings.CutPrefix(line, "**/")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "*" && !all:
			all = true
		case isLet && all && len(c.out) == 0 && !strings.ContainsAny(let, "*?["):
			c.in = append(c.in, let)
		case isOut && all && !strings.Contains(out, "/"):
			c.out = append(c.out, out)
		default:
			return nil, fmt.Errorf("%s: %q does not fit: expected *, then !path, then **/name", name, line)
		}
	}
	if !all {
		return nil, fmt.Errorf("%s does not begin with * and lets everything in", name)
	}
	return &c, nil
}

// sends tells whether a file or folder, named by its path with slashes, gets to the builder.
func (c *buildContext) sends(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		for _, pattern := range c.out {
			if matched, err := path.Match(pattern, part); matched || err != nil {
				return false
			}
		}
	}
	for _, in := range c.in {
		if name == in || strings.HasPrefix(name, in+"/") {
			return true
		}
	}
	return false
}

// leadsIn tells whether something below the folder may be sent.
func (c *buildContext) leadsIn(folder string) bool {
	if folder == "." || c.sends(folder) {
		return true
	}
	for _, in := range c.in {
		if strings.HasPrefix(in, folder+"/") {
			return true
		}
	}
	return false
}

// copyContext copies what the ignore file lets in.
func copyContext(from, to, ignoreFile string) error {
	c, err := parseIgnoreFile(ignoreFile)
	if err != nil {
		return err
	}
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir() && !c.leadsIn(relative):
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case !entry.Type().IsRegular() || !c.sends(relative):
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
}

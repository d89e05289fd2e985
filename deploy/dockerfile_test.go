//go:build unix

package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// instruction is one instruction of a Dockerfile, continuation lines joined.
type instruction struct{ name, arguments string }

// stage is a FROM and what follows it.
type stage struct {
	base, name   string
	instructions []instruction
}

type dockerfile struct{ stages []stage }

// parseDockerfile reads what our Dockerfile uses of the format and refuses the rest: parser directives, here-documents, ARG before FROM.
func parseDockerfile(name string) (*dockerfile, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var file dockerfile
	var pending string
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if begun, more := strings.CutSuffix(line, "\\"); more {
			pending += begun
			continue
		}
		keyword, arguments, _ := strings.Cut(pending+line, " ")
		pending = ""
		if err := file.add(instruction{strings.ToUpper(keyword), strings.TrimSpace(arguments)}); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(file.stages) == 0 || pending != "" {
		return nil, fmt.Errorf("%s: no stage, or an unfinished line", name)
	}
	return &file, nil
}

func (f *dockerfile) add(i instruction) error {
	if i.name == "FROM" {
		fields := strings.Fields(i.arguments)
		switch {
		case len(fields) == 1:
			f.stages = append(f.stages, stage{base: fields[0]})
		case len(fields) == 3 && strings.EqualFold(fields[1], "AS"):
			f.stages = append(f.stages, stage{base: fields[0], name: fields[2]})
		default:
			return fmt.Errorf("FROM %s is not understood", i.arguments)
		}
		return nil
	}
	if len(f.stages) == 0 || strings.Contains(i.arguments, "<<") {
		return fmt.Errorf("%s %s is not understood", i.name, i.arguments)
	}
	last := &f.stages[len(f.stages)-1]
	last.instructions = append(last.instructions, i)
	return nil
}

func (f *dockerfile) final() *stage { return &f.stages[len(f.stages)-1] }

// all are the arguments of every instruction of that name.
func (s *stage) all(name string) []string {
	var found []string
	for _, i := range s.instructions {
		if i.name == name {
			found = append(found, i.arguments)
		}
	}
	return found
}

// list reads an instruction that takes a JSON list, the form that needs no shell.
func (s *stage) list(name string) ([]string, error) {
	found := s.all(name)
	if len(found) != 1 {
		return nil, fmt.Errorf("%s occurs %d times, expected once", name, len(found))
	}
	var list []string
	if err := json.Unmarshal([]byte(found[0]), &list); err != nil || len(list) == 0 {
		return nil, fmt.Errorf("%s %s: expected a JSON list, there is no shell to take another form", name, found[0])
	}
	return list, nil
}

// buildCommand is the one command that makes the program.
func (f *dockerfile) buildCommand() (string, error) {
	var found []string
	for _, s := range f.stages {
		for _, command := range s.all("RUN") {
			if strings.Contains(command, "go build") {
				found = append(found, command)
			}
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d commands run `go build`, expected one", len(found))
	}
	return found[0], nil
}

// program is where the build leaves the program, relative to the source, and its place in the image.
func (f *dockerfile) program() (from, to string, err error) {
	entry, err := f.final().list("ENTRYPOINT")
	if err != nil {
		return "", "", err
	}
	for i, s := range f.stages[:len(f.stages)-1] {
		folders := s.all("WORKDIR")
		for _, arguments := range f.final().all("COPY") {
			fields := strings.Fields(arguments)
			isStage := fields[0] == "--from="+s.name || fields[0] == "--from="+strconv.Itoa(i)
			if len(fields) == 3 && isStage && fields[2] == entry[0] && len(folders) > 0 {
				from, inside := strings.CutPrefix(fields[1], folders[len(folders)-1]+"/")
				if inside && path.Dir(entry[0]) == "/" {
					return from, entry[0], nil
				}
			}
		}
	}
	return "", "", fmt.Errorf("no COPY brings %s from a build stage's WORKDIR to the top of the image", entry[0])
}

// imageUser is the user that the image's last word on it names, by number: there is no list of users in the image.
func imageUser() (uid, gid uint32, err error) {
	file, err := parseDockerfile("Dockerfile")
	if err != nil {
		return 0, 0, err
	}
	users := file.final().all("USER")
	if len(users) != 1 {
		return 0, 0, fmt.Errorf("USER occurs %d times in the final stage, expected once", len(users))
	}
	user, group, _ := strings.Cut(users[0], ":")
	u, uerr := strconv.ParseUint(user, 10, 32)
	g, gerr := strconv.ParseUint(group, 10, 32)
	if err := errors.Join(uerr, gerr); err != nil || u == 0 || g == 0 {
		return 0, 0, fmt.Errorf("USER %s: expected the numbers of a user and a group that are not root", users[0])
	}
	return uint32(u), uint32(g), nil
}

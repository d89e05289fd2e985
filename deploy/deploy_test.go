//go:build unix

// Package deploy_test checks what operators deploy, without a container engine: the Dockerfile is parsed and its build command run, the
// composition is loaded as strictly as compose itself loads it, and the example of the environment is held against the settings that the
// built program knows. It must not import the program's packages: it sees what an operator sees.
package deploy_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const repository = ".."

// image is what the Dockerfile makes, as far as it can be made without an engine.
type image struct {
	root   string // holds the final stage's files; everybody may enter it
	binary string // of the program, on this machine
}

// buildImage runs the Dockerfile's build once for all tests.
var buildImage = sync.OnceValues(func() (*image, error) {
	file, err := parseDockerfile("Dockerfile")
	if err != nil {
		return nil, err
	}
	command, err := file.buildCommand()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mcpauth-deploy-")
	if err != nil {
		return nil, err
	}
	temporary = append(temporary, dir)
	source := filepath.Join(dir, "src")
	if err := copyContext(repository, source, "Dockerfile.dockerignore"); err != nil {
		return nil, err
	}
	build := exec.Command("/bin/sh", "-c", command)
	build.Dir = source
	// The command has to ask for what it needs itself; CGO_ENABLED=1 is what the toolchain's image has.
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS=", "GOWORK=off", "PWD="+source)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	made := &image{root: filepath.Join(dir, "root")}
	if err := os.Mkdir(made.root, 0o700); err != nil {
		return nil, err
	}
	from, to, err := file.program()
	if err != nil {
		return nil, err
	}
	made.binary = filepath.Join(made.root, to)
	if err := os.Rename(filepath.Join(source, from), made.binary); err != nil {
		return nil, fmt.Errorf("the build did not make what the final stage copies: %w", err)
	}
	// Whatever the umask is here: an image builder's is 022.
	return made, errors.Join(os.Chmod(made.root, 0o755), os.Chmod(made.binary, 0o755))
})

// temporary are the folders to remove when all tests are done.
var temporary []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range temporary {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

func mustBuild(t *testing.T) *image {
	t.Helper()
	made, err := buildImage()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// run starts the program as the container would: as the image's user, with nothing but the image's files, and with this environment
// only. That takes root; without it the program runs as whoever runs the test.
func (i *image) run(t *testing.T, environment []string, arguments ...string) (stdout, stderr string, status int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), i.binary, arguments...)
	command.Env, command.Dir = append([]string{}, environment...), i.root
	if os.Geteuid() == 0 {
		uid, gid, err := imageUser()
		if err != nil {
			t.Fatal(err)
		}
		command.Path, command.Dir = "/"+filepath.Base(i.binary), "/"
		command.SysProcAttr = &syscall.SysProcAttr{Chroot: i.root, Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("mcpauth %s: %v", strings.Join(arguments, " "), err)
	}
	return out.String(), errs.String(), 0
}

// setting is a row of the table that the program prints.
type setting struct {
	name, initial string
	required      bool
}

var tableRow = regexp.MustCompile("^\\| `(MCPAUTH_[A-Z_]+)` \\| ([^|]*) \\| [^|]+ \\|$")

// notDeployed are settings for work on the source, which a deployment has no use for.
var notDeployed = []string{"MCPAUTH_POSTGRES_BIN", "MCPAUTH_TEST_DATABASE_URL", "MCPAUTH_BROWSER"}

// deploymentSettings are the settings that the program knows, as it prints them.
func deploymentSettings(t *testing.T) map[string]setting {
	t.Helper()
	out, errs, status := mustBuild(t).run(t, nil, "settings")
	if status != 0 {
		t.Fatalf("mcpauth settings: status %d: %s", status, errs)
	}
	all := map[string]setting{}
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "MCPAUTH_") {
			continue
		}
		row := tableRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			t.Fatalf("a row of the table of settings is not understood: %s", line)
		}
		s := setting{name: row[1], initial: strings.TrimSpace(row[2])}
		if s.required = s.initial == "required"; s.required || strings.Contains(s.initial, " ") {
			s.initial = "" // a sentence, not a value
		}
		all[s.name] = s
	}
	for _, name := range notDeployed {
		if _, ok := all[name]; !ok {
			t.Errorf("%s is left out here, but the program does not know it", name)
		}
		delete(all, name)
	}
	if len(all) == 0 {
		t.Fatal("mcpauth settings printed no setting")
	}
	return all
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

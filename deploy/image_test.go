//go:build unix

package deploy_test

import (
	"debug/elf"
	"go/version"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var exactTag = regexp.MustCompile(`^[a-z0-9./-]+:[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?$`)

func mustParse(t *testing.T) *dockerfile {
	t.Helper()
	file, err := parseDockerfile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestImageHasNothingButTheProgram(t *testing.T) {
	t.Parallel()
	final := mustParse(t).final()
	if final.base != "scratch" {
		t.Errorf("the final stage begins with %s, expected scratch: no shell, no package manager, no library to patch", final.base)
	}
	// HEALTHCHECK would need a program in the image; RUN and ADD would put more into it; ENV would settle what the operator decides.
	allowed := []string{"COPY", "USER", "EXPOSE", "ENTRYPOINT", "CMD", "LABEL"}
	for _, i := range final.instructions {
		if !slices.Contains(allowed, i.name) {
			t.Errorf("the final stage has %s %s", i.name, i.arguments)
		}
		if i.name == "COPY" && !strings.HasPrefix(i.arguments, "--from=") {
			t.Errorf("COPY %s brings files of the source into the image", i.arguments)
		}
	}
	if _, _, err := imageUser(); err != nil {
		t.Error(err)
	}
}

func TestImageBasesArePinned(t *testing.T) {
	t.Parallel()
	goMod, err := os.ReadFile(repository + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	needed := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(goMod))
	if needed == nil {
		t.Fatal("go.mod names no version of Go")
	}
	toolchains := 0
	for _, s := range mustParse(t).stages {
		if s.base == "scratch" {
			continue
		}
		if !exactTag.MatchString(s.base) {
			t.Errorf("FROM %s: expected a tag with an exact version", s.base)
		}
		if tag, isGo := strings.CutPrefix(s.base, "golang:"); isGo {
			toolchains++
			release, _, _ := strings.Cut(tag, "-")
			if strings.Count(release, ".") != 2 || version.Compare("go"+release, "go"+needed[1]) < 0 {
				t.Errorf("FROM %s: expected a release, at least the %s of go.mod", s.base, needed[1])
			}
		}
	}
	if toolchains != 1 {
		t.Errorf("%d stages have the Go toolchain, expected one", toolchains)
	}
}

func TestBuildCommand(t *testing.T) {
	t.Parallel()
	command, err := mustParse(t).buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"CGO_ENABLED=0", "-trimpath", "./cmd/mcpauth"} {
		if !slices.Contains(strings.Fields(command), part) {
			t.Errorf("%s: %s is missing", command, part)
		}
	}
}

// TestProgramIsStatic: in an image without a C library and a loader nothing else starts.
func TestProgramIsStatic(t *testing.T) {
	t.Parallel()
	made := mustBuild(t)
	if runtime.GOOS != "linux" {
		return // the same command made this system's own format
	}
	program, err := elf.Open(made.binary)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a %s segment: it is linked dynamically", p.Type)
		}
	}
	if program.Section(".dynamic") != nil {
		t.Error("the program has a dynamic section")
	}
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program wants libraries: %v %v", libraries, err)
	}
}

func TestProgramRunsAsTheImagesUser(t *testing.T) {
	t.Parallel()
	out, errs, status := mustBuild(t).run(t, nil, "keys", "new")
	if status != 0 || !regexp.MustCompile(`^1:[A-Za-z0-9_-]{43}\n$`).MatchString(out) {
		t.Errorf("mcpauth keys new: status %d, output of %d bytes that is no key ring: %s", status, len(out), errs)
	}
}

func TestImageServesWhereItSays(t *testing.T) {
	t.Parallel()
	final := mustParse(t).final()
	listen := deploymentSettings(t)["MCPAUTH_LISTEN"].initial
	if ports := final.all("EXPOSE"); len(ports) != 1 || ":"+ports[0] != listen {
		t.Errorf("EXPOSE %v, but MCPAUTH_LISTEN is %q by default", ports, listen)
	}
	if command, err := final.list("CMD"); err != nil || !slices.Equal(command, []string{"serve"}) {
		t.Errorf("CMD %v %v, expected serve", command, err)
	}
}

// TestContextKeepsDataOut: what lies about in a checkout does not get into a layer, and the build still has all it needs (it runs on
// the very same files).
func TestContextKeepsDataOut(t *testing.T) {
	t.Parallel()
	c, err := parseIgnoreFile("Dockerfile.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		".git/config", ".data/dev.json", ".data/master.keys", ".env", "deploy/environment", "bin/mcpauth", "cmd/.env", "cmd/mcpauth/local.env",
		"internal/e2e/results/page.png", "templates/node_modules/x/index.js", "sdk/typescript/node_modules/x/index.js", "sdk/typescript/src/guard.ts", "notes.txt", "cmd/mcpauth/serve_test.go", "cmd/.data/dev.json",
	} {
		if c.sends(name) {
			t.Errorf("%s is sent to the builder", name)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "cmd/mcpauth/main.go", "migrations/00001_control.sql", "sdk/go/doc.go", "sdk/sdk.go", "sdk/archives/go.zip", "sdk/typescript/dist/index.js"} {
		if !c.sends(name) {
			t.Errorf("%s is not sent to the builder", name)
		}
	}
}

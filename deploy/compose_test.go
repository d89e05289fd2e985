//go:build unix

package deploy_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func load(t *testing.T, environment map[string]string) (*types.Project, error) {
	t.Helper()
	folder, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	// Nothing is skipped: the schema, which refuses unknown names, the consistency of references, the interpolation.
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: folder, ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(folder, "compose.yaml")}}, Environment: environment,
	}, func(o *loader.Options) { o.ResolvePaths = true })
}

// marked gives every name of the example a value that tells where it came from.
func marked(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	for name := range readExample(t).values {
		values[name] = "value-of-" + name
	}
	return values
}

func mustLoad(t *testing.T, environment map[string]string) *types.Project {
	t.Helper()
	project, err := load(t, environment)
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeServices(t *testing.T) {
	t.Parallel()
	project := mustLoad(t, marked(t))
	if names := sortedNames(project.Services); !slices.Equal(names, []string{"migrate", "postgres", "serve"}) {
		t.Fatalf("services %v", names)
	}
	postgres, migrate, serve := project.Services["postgres"], project.Services["migrate"], project.Services["serve"]
	if !strings.HasPrefix(postgres.Image, "postgres:15.") || postgres.HealthCheck == nil || len(postgres.HealthCheck.Test) == 0 || postgres.HealthCheck.Disable {
		t.Errorf("postgres: image %s, health check %v", postgres.Image, postgres.HealthCheck)
	}
	if migrate.DependsOn["postgres"].Condition != types.ServiceConditionHealthy || !migrate.DependsOn["postgres"].Required {
		t.Errorf("migrate does not wait for a healthy postgres: %v", migrate.DependsOn)
	}
	if serve.DependsOn["migrate"].Condition != types.ServiceConditionCompletedSuccessfully || !serve.DependsOn["migrate"].Required {
		t.Errorf("serve does not wait for migrate's success: %v", serve.DependsOn)
	}
	if migrate.Restart == types.RestartPolicyAlways || migrate.Restart == types.RestartPolicyUnlessStopped {
		t.Errorf("migrate runs once, but restarts %s", migrate.Restart)
	}
	for name, s := range map[string]types.ServiceConfig{"migrate": migrate, "serve": serve} {
		if !slices.Equal(s.Command, []string{name}) || len(s.Entrypoint) > 0 || s.Image != migrate.Image {
			t.Errorf("%s runs %v %v of %s", name, s.Entrypoint, s.Command, s.Image)
		}
		root, err := filepath.Abs(repository)
		if err != nil || s.Build == nil || s.Build.Context != root || s.Build.Dockerfile != "deploy/Dockerfile" || len(s.Build.Args) > 0 {
			t.Errorf("%s is not built as the Dockerfile says: %+v %v", name, s.Build, err)
		}
	}
	if keeps := slices.ContainsFunc(postgres.Volumes, func(v types.ServiceVolumeConfig) bool {
		return v.Type == types.VolumeTypeVolume && v.Source == "database" && v.Target == "/var/lib/postgresql/data" && !v.ReadOnly
	}); !keeps {
		t.Errorf("postgres keeps its data in no volume: %v", postgres.Volumes)
	}
}

func TestComposeContainersAreHardened(t *testing.T) {
	t.Parallel()
	for name, s := range mustLoad(t, marked(t)).Services {
		checks := map[string]bool{
			"root file system is writable":         !s.ReadOnly,
			"privileged":                           s.Privileged,
			"keeps capabilities":                   !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0,
			"may gain privileges or is unconfined": !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}),
			"shares a namespace with the host":     s.NetworkMode != "" || s.Pid != "" || s.Ipc != "" || s.Uts != "" || s.UserNSMode != "" || s.Cgroup != "",
			"has devices":                          len(s.Devices) > 0 || len(s.DeviceCgroupRules) > 0 || len(s.Gpus) > 0,
			"is root, or may be":                   s.User != "" && !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(s.User) || s.User == "" && s.Build == nil || len(s.GroupAdd) > 0,
			"has no limit of processes":            s.PidsLimit <= 0,
			"fills the disk with its log":          s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "",
			"reads an environment file whole":      len(s.EnvFiles) > 0, // it would be given what it need not know
			"has an image without exact version":   s.Build == nil && !exactTag.MatchString(s.Image),
		}
		for problem, is := range checks {
			if is {
				t.Errorf("%s: %s", name, problem)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeVolume && (v.Type != types.VolumeTypeBind || !v.ReadOnly || filepath.Dir(v.Source) != mustAbs(t, ".")) {
				t.Errorf("%s mounts %s of the host", name, v.Source)
			}
		}
	}
}

func mustAbs(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestComposeNetworks(t *testing.T) {
	t.Parallel()
	environment := marked(t)
	delete(environment, "MCPAUTH_TRUSTED_PROXIES")
	project := mustLoad(t, environment)
	for _, name := range []string{"postgres", "migrate"} {
		s := project.Services[name]
		if len(s.Ports) > 0 || len(s.Expose) > 0 || !slices.Equal(sortedNames(s.Networks), []string{"database"}) {
			t.Errorf("%s: ports %v, networks %v; expected none and the database's", name, s.Ports, sortedNames(s.Networks))
		}
	}
	if !project.Networks["database"].Internal || bool(project.Networks["database"].External) {
		t.Error("the database's network has a way out")
	}
	serve, exposed := project.Services["serve"], mustParse(t).final().all("EXPOSE")
	if len(serve.Ports) != 1 || len(exposed) != 1 || serve.Ports[0].HostIP != "127.0.0.1" || strconv.Itoa(int(serve.Ports[0].Target)) != exposed[0] {
		t.Errorf("serve publishes %+v, expected port %v for this machine only", serve.Ports, exposed)
	}
	// Behind a proxy that is not trusted every client has the proxy's address, and shares its limits with everybody.
	outside := project.Networks["outside"].Ipam.Config
	if len(outside) != 1 || outside[0].Gateway == "" {
		t.Fatalf("the network outside has no fixed gateway: %v", outside)
	}
	_, subnet, err := net.ParseCIDR(outside[0].Subnet)
	if err != nil || !subnet.Contains(net.ParseIP(outside[0].Gateway)) {
		t.Errorf("gateway %s is not in %s: %v", outside[0].Gateway, outside[0].Subnet, err)
	}
	if got := serve.Environment["MCPAUTH_TRUSTED_PROXIES"]; got == nil || *got != outside[0].Gateway+"/32" {
		t.Errorf("serve does not trust the gateway %s, where a proxy on this machine comes from", outside[0].Gateway)
	}
}

func TestDatabaseRolesHaveNoPower(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("postgres-init.sh")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat("postgres-init.sh")
	if err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("postgres-init.sh is not executable: the image's entry point would read it into its own shell: %v", err)
	}
	logins := regexp.MustCompile(`(?m)^CREATE ROLE (\w+) LOGIN (.*)$`).FindAllStringSubmatch(string(script), -1)
	if len(logins) != 2 {
		t.Errorf("%d logins are made, expected the owner's and the application's", len(logins))
	}
	for _, login := range logins {
		for _, without := range []string{"NOSUPERUSER", "NOCREATEDB", "NOCREATEROLE", "NOREPLICATION", "NOBYPASSRLS"} {
			if !slices.Contains(strings.Fields(login[2]), without) {
				t.Errorf("%s is not %s", login[1], without)
			}
		}
	}
}

// Command apiserver applies the manifests of deploy/kubernetes to a real API server,
// as their heads say: both forms, with each component and with all. `make kubernetes-api`
// runs it.
//
//	apiserver REPOSITORY BINARIES CRDS
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		stop()
		os.Exit(1) //nolint:gocritic // what is deferred is done
	}
}

// definitions are the resources of the Prometheus operator that the component monitoring has.
var definitions = []string{"podmonitors", "prometheusrules"}

func run(ctx context.Context, repository, binaries, crds string) error {
	dir, err := os.MkdirTemp("", "apiserver")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cluster, err := start(ctx, binaries, dir)
	if err != nil {
		return err
	}
	defer cluster.stop()
	for _, name := range definitions {
		if _, err := cluster.kubectl(ctx, "create", "-f", filepath.Join(crds, "monitoring.coreos.com_"+name+".yaml")); err != nil {
			return err
		}
	}
	if _, err := cluster.kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"); err != nil {
		return err
	}
	deploy := filepath.Join(dir, "deploy")
	if err := os.CopyFS(deploy, os.DirFS(filepath.Join(repository, "deploy"))); err != nil {
		return err
	}
	for number, f := range forms {
		if err := cluster.apply(ctx, deploy, fmt.Sprint("form-", number), f); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		fmt.Println("accepted:", f)
	}
	return nil
}

// form is a form of the deployment and its components.
type form []string

func (f form) String() string { return strings.Join(f, " ") }

var forms = []form{
	{"two-tier"}, {"single"},
	{"two-tier", "settings"}, {"two-tier", "network-policy"}, {"two-tier", "autoscaling"}, {"two-tier", "monitoring"}, {"two-tier", "../grafana"},
	{"single", "settings"}, {"single", "network-policy"}, {"single", "monitoring"}, {"single", "../grafana"},
	{"two-tier", "settings", "network-policy", "autoscaling", "monitoring", "../grafana"},
	{"single", "settings", "network-policy", "monitoring", "../grafana"},
}

// apply does what the head of the kustomization says, after its lines are changed as it says. Pod security is restricted.
func (c *cluster) apply(ctx context.Context, deploy, namespace string, f form) error {
	file := filepath.Join(deploy, "kubernetes/kustomization.yaml")
	original, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	defer os.WriteFile(file, original, 0o600) //nolint:errcheck // a copy
	text := strings.Replace(string(original), "  - two-tier #", "  - "+f[0]+" #", 1)
	for _, component := range f[1:] {
		line := regexp.MustCompile(`(?m)^  # - ` + regexp.QuoteMeta(component) + `( |$)`)
		if !line.MatchString(text) {
			return fmt.Errorf("the kustomization does not offer %s", component)
		}
		text = line.ReplaceAllString(text, "  - "+component+"$1")
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, "create", "namespace", namespace); err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted"); err != nil {
		return err
	}
	said, err := c.kubectl(ctx, "apply", "--validate=strict", "--namespace", namespace, "-k", filepath.Dir(file))
	if err != nil {
		return err
	}
	if strings.Contains(said, "Warning:") {
		return errors.New(said)
	}
	return nil
}

// kubectl runs it and returns what it wrote.
func (c *cluster) kubectl(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.binaries, "kubectl"), append([]string{"--kubeconfig", c.kubeconfig}, args...)...)
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, output)
	}
	return string(output), nil
}

// Command chart checks what helm rendered from the official chart with the values
// of deploy/kubernetes/chart: the objects as the Kubernetes API reads them, and the
// configuration of each pod as the collector does. `make chart` runs it.
//
//	helm template ... | chart REPOSITORY
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"github.com/otelcol-ml/otelcol-ml/test/kubernetes/internal/objects"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(repository string) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	set, err := objects.Read(text)
	if err != nil {
		return err
	}
	if len(set.Pods()) != 1 {
		return fmt.Errorf("found %d pods, must be 1", len(set.Pods()))
	}
	for name, pod := range set.Pods() {
		if err := validate(set, pod.Spec, repository); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println("valid:", name)
	}
	return nil
}

func validate(set *objects.Set, pod corev1.PodSpec, repository string) error {
	dir, err := os.MkdirTemp("", "chart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args, err := set.Configs(pod, repository, func(name, text string) (string, error) {
		path := filepath.Join(dir, name)
		return path, os.WriteFile(path, []byte(text), 0o600)
	})
	if err != nil {
		return err
	}
	command := exec.Command(filepath.Join(repository, "bin/otelcol-ml"), append([]string{"validate"}, args...)...)
	command.Env = os.Environ()
	for _, variable := range pod.Containers[0].Env {
		command.Env = append(command.Env, variable.Name+"="+variable.Value)
	}
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, output)
	}
	return nil
}

package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/otelcol-ml/otelcol-ml/test/kubernetes/internal/objects"
)

// root is the repository, seen from this package.
const root = "../.."

// build renders a folder with a kustomization.
func build(t *testing.T, dir string) *objects.Set {
	t.Helper()
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	require.NoError(t, err)
	text, err := rendered.AsYaml()
	require.NoError(t, err)
	set, err := objects.Read(text)
	require.NoError(t, err)
	return set
}

// rendered are the objects of one form of the deployment with components, as deploy/kubernetes/kustomization.yaml has
// them where its lines are uncommented.
func rendered(t *testing.T, form string, components ...string) *objects.Set {
	t.Helper()
	deploy := filepath.Join(t.TempDir(), "deploy")
	require.NoError(t, os.CopyFS(deploy, os.DirFS(filepath.Join(root, "deploy"))))
	file := filepath.Join(deploy, "kubernetes/kustomization.yaml")
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	text := strings.Replace(string(content), "  - two-tier #", "  - "+form+" #", 1)
	for _, component := range components {
		line := regexp.MustCompile(`(?m)^  # - ` + regexp.QuoteMeta(component) + `( |$)`)
		require.Regexp(t, line, text, "the kustomization offers it")
		text = line.ReplaceAllString(text, "  - "+component+"$1")
	}
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return build(t, filepath.Dir(file))
}

// offered are the components that deploy/kubernetes/kustomization.yaml offers.
func offered(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/kubernetes/kustomization.yaml"))
	require.NoError(t, err)
	var found []string
	for _, match := range regexp.MustCompile(`(?m)^  # - (\S+)`).FindAllStringSubmatch(string(text), -1) {
		found = append(found, match[1])
	}
	require.Len(t, found, 5)
	return found
}

// validate has the built collector read the configuration of a pod.
func validate(t *testing.T, set *objects.Set, pod corev1.PodSpec) {
	t.Helper()
	args, err := set.Configs(pod, root, func(name, text string) (string, error) {
		path := filepath.Join(t.TempDir(), name)
		return path, os.WriteFile(path, []byte(text), 0o600)
	})
	require.NoError(t, err)
	require.NotEmpty(t, args)
	runValidate(t, pod.Containers[0].Env, args)
}

// runValidate runs otelcol-ml validate with the variables of a container.
func runValidate(t *testing.T, env []corev1.EnvVar, args []string) {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join(root, "bin/otelcol-ml"))
	require.NoError(t, err)
	require.FileExists(t, binary, "run these tests with `make e2e`, which builds it")
	command := exec.CommandContext(t.Context(), binary, append([]string{"validate"}, args...)...)
	command.Env = append(os.Environ(), imageEnv(t)...)
	for _, variable := range env {
		command.Env = append(command.Env, variable.Name+"="+variable.Value)
	}
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%v: %s", args, output)
	require.Empty(t, string(output), "the collector warns of nothing")
}

// imageEnv are the variables that the image sets.
func imageEnv(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "tools/package/image/main.go"))
	require.NoError(t, err)
	var found []string
	for _, match := range regexp.MustCompile(`"(OTELCOL_ML_[A-Z_]+=[^"]+)",`).FindAllStringSubmatch(string(text), -1) {
		found = append(found, match[1])
	}
	require.Greater(t, len(found), 5)
	return found
}

// version is that of the distribution.
func version(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "builder-config.yaml"))
	require.NoError(t, err)
	match := regexp.MustCompile(`(?m)^  version: (\S+)$`).FindSubmatch(text)
	require.NotNil(t, match)
	return string(match[1])
}

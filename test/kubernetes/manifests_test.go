package kubernetes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/otelcol-ml/otelcol-ml/test/kubernetes/internal/objects"
)

// TestTwoTier checks what the manifests say against each other, and against the files and settings they name.
func TestTwoTier(t *testing.T) {
	m := rendered(t, "two-tier")
	gateway, sampler := m.Deployments["otelcol-ml-gateway"], m.StatefulSets["otelcol-ml-sampler"]
	require.Len(t, gateway.Spec.Template.Spec.Containers, 1)
	require.Len(t, sampler.Spec.Template.Spec.Containers, 1)

	gatewayBudget, samplerBudget := m.Budgets["otelcol-ml-gateway"], m.Budgets["otelcol-ml-sampler"]
	checkTier(t, m, gateway.Spec.Selector, gateway.Spec.Template, m.Services["otelcol-ml"], &gatewayBudget)
	checkTier(t, m, sampler.Spec.Selector, sampler.Spec.Template, m.Services["otelcol-ml-samplers"], &samplerBudget)

	headless := m.Services["otelcol-ml-samplers"]
	assert.Equal(t, corev1.ClusterIPNone, headless.Spec.ClusterIP, "a name that resolves to each sampler")
	assert.Equal(t, headless.Name, sampler.Spec.ServiceName)
	assert.Contains(t, gateway.Spec.Template.Spec.Containers[0].Env, corev1.EnvVar{Name: "OTELCOL_ML_SAMPLERS", Value: headless.Name}, "what the gateways resolve")
	assert.Equal(t, []string{sampler.Spec.VolumeClaimTemplates[0].Name + " /data"}, mounts(sampler.Spec.Template), "the data folder of the image is on the volume")
}

// TestSingle: one collector, with the same Service for services.
func TestSingle(t *testing.T) {
	m := rendered(t, "single")
	collector := m.StatefulSets["otelcol-ml"]
	assert.Equal(t, int32(1), *collector.Spec.Replicas, "more would split traces")
	service := m.Services["otelcol-ml"]
	checkTier(t, m, collector.Spec.Selector, collector.Spec.Template, service, nil)
	assert.Equal(t, service.Name, collector.Spec.ServiceName)
	assert.Equal(t, rendered(t, "two-tier").Services["otelcol-ml"].Spec.Ports, service.Spec.Ports, "services need not know which form it is")
	assert.Equal(t, []string{collector.Spec.VolumeClaimTemplates[0].Name + " /data"}, mounts(collector.Spec.Template))
}

func mounts(pod corev1.PodTemplateSpec) []string {
	var found []string
	for _, mount := range pod.Spec.Containers[0].VolumeMounts {
		found = append(found, mount.Name+" "+mount.MountPath)
	}
	return found
}

func ports(pod corev1.PodTemplateSpec) map[string]int32 {
	found := map[string]int32{}
	for _, port := range pod.Spec.Containers[0].Ports {
		found[port.Name] = port.ContainerPort
	}
	return found
}

func checkTier(t *testing.T, m *objects.Set, selector *metav1.LabelSelector, pod corev1.PodTemplateSpec, service corev1.Service, budget *policyv1.PodDisruptionBudget) {
	t.Helper()
	require.NotEmpty(t, pod.Labels)
	assert.Equal(t, pod.Labels, selector.MatchLabels)
	assert.Equal(t, pod.Labels, service.Spec.Selector)
	if budget != nil {
		assert.Equal(t, pod.Labels, budget.Spec.Selector.MatchLabels)
	}
	container := pod.Spec.Containers[0]
	assert.Equal(t, "registry.example.com/otelcol-ml:"+version(t), container.Image)
	named := ports(pod)
	for _, port := range service.Spec.Ports {
		assert.Equal(t, port.Port, named[port.TargetPort.String()], "port %s of the service", port.Name)
	}
	assert.Contains(t, named, container.ReadinessProbe.HTTPGet.Port.String())
	assert.Contains(t, named, container.LivenessProbe.HTTPGet.Port.String())
	assert.Less(t, container.Lifecycle.PreStop.Sleep.Seconds, *pod.Spec.TerminationGracePeriodSeconds, "the pause before the stop is part of the grace period")
	validate(t, m, pod.Spec)
}

// TestSettings: the user's settings are the last file that every pipeline reads, and a change restarts the pods.
func TestSettings(t *testing.T) {
	for form, name := range map[string]string{"single": "otelcol-ml", "two-tier": "otelcol-ml-sampler"} {
		m := rendered(t, form, "settings")
		pod := m.StatefulSets[name].Spec.Template.Spec
		args := pod.Containers[0].Args
		assert.Equal(t, "--config=/etc/otelcol-ml/settings/settings.yaml", args[len(args)-1], form)
		require.NotEmpty(t, pod.Volumes, form)
		mounted := pod.Volumes[len(pod.Volumes)-1].ConfigMap.Name
		assert.Regexp(t, "^otelcol-ml-settings-[a-z0-9]+$", mounted, "named by its content")
		assert.Contains(t, m.ConfigMaps, mounted)
		validate(t, m, pod)
	}
}

// TestNetworkPolicies: each policy selects pods that exist, and names ports that they have.
func TestNetworkPolicies(t *testing.T) {
	for _, form := range []string{"single", "two-tier"} {
		m := rendered(t, form, "network-policy")
		require.NotEmpty(t, m.NetworkPolicies)
		open := map[string]map[string]bool{} // ports with a way in, by pod
		for name, policy := range m.NetworkPolicies {
			selected := selectedPods(t, m, &policy.Spec.PodSelector)
			if form == "two-tier" {
				assert.NotEmpty(t, selected, name)
			}
			for _, rule := range policy.Spec.Ingress {
				assert.NotEmpty(t, rule.From, "%s names who", name)
				for _, port := range rule.Ports {
					found := false
					for pod, template := range selected {
						if _, ok := ports(template)[port.Port.String()]; ok {
							if found = true; open[pod] == nil {
								open[pod] = map[string]bool{}
							}
							open[pod][port.Port.String()] = true
						}
					}
					assert.True(t, found || len(selected) == 0, "%s: no pod has the port %s", name, port.Port)
				}
			}
		}
		for pod, template := range m.Pods() {
			for port := range ports(template) {
				if port != "health" { // asked by the node's kubelet, which no policy keeps out
					assert.True(t, open[pod][port], "%s: nobody may connect to %s", pod, port)
				}
			}
		}
	}
}

func selectedPods(t *testing.T, m *objects.Set, by *metav1.LabelSelector) map[string]corev1.PodTemplateSpec {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(by)
	require.NoError(t, err)
	found := map[string]corev1.PodTemplateSpec{}
	for name, pod := range m.Pods() {
		if selector.Matches(labels.Set(pod.Labels)) {
			found[name] = pod
		}
	}
	return found
}

// TestAutoscaling: the autoscaler alone says how many gateways there are.
func TestAutoscaling(t *testing.T) {
	m := rendered(t, "two-tier", "autoscaling")
	autoscaler := m.Autoscalers["otelcol-ml-gateway"]
	target := autoscaler.Spec.ScaleTargetRef
	require.Equal(t, "Deployment", target.Kind)
	gateway, ok := m.Deployments[target.Name]
	require.True(t, ok)
	assert.Nil(t, gateway.Spec.Replicas)
	assert.GreaterOrEqual(t, *autoscaler.Spec.MinReplicas, int32(2), "one may be away")
	assert.False(t, gateway.Spec.Template.Spec.Containers[0].Resources.Requests.Cpu().IsZero(), "utilisation is a share of the request")
}

// TestMonitoring: the monitor finds each collector, with the jobs that the rules name, and the rules are those of deploy/prometheus.
func TestMonitoring(t *testing.T) {
	var scraped struct {
		ScrapeConfigs []struct {
			JobName string `json:"job_name"`
		} `json:"scrape_configs"`
	}
	readYAML(t, "deploy/prometheus/prometheus.yml", &scraped)
	known := map[string]bool{}
	for _, job := range scraped.ScrapeConfigs {
		known[job.JobName] = true
	}
	for _, form := range []string{"single", "two-tier"} {
		m := rendered(t, form, "monitoring")
		monitor := m.PodMonitors["otelcol-ml"]
		selected := selectedPods(t, m, &monitor.Spec.Selector)
		assert.Len(t, selected, len(m.Pods()))
		for _, endpoint := range monitor.Spec.PodMetricsEndpoints {
			require.Len(t, endpoint.RelabelConfigs, 1)
			assert.True(t, known[*endpoint.RelabelConfigs[0].Replacement], "a job of prometheus.yml")
			has := false
			for _, pod := range selected {
				_, ok := ports(pod)[*endpoint.Port]
				has = has || ok
			}
			assert.True(t, has, "a pod has the port %s", *endpoint.Port)
		}

		var rules monitoringv1.PrometheusRuleSpec
		paths, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/rules-*.yaml"))
		require.NoError(t, err)
		for _, path := range paths {
			var of monitoringv1.PrometheusRuleSpec
			readYAML(t, "deploy/prometheus/"+filepath.Base(path), &of)
			rules.Groups = append(rules.Groups, of.Groups...)
		}
		require.NotEmpty(t, rules.Groups)
		assert.Equal(t, rules, m.Rules["otelcol-ml"].Spec, "run make manifests")
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
}

// TestDashboards: every dashboard is in a ConfigMap with the label that Grafana's sidecar looks for, by itself too.
func TestDashboards(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "deploy/grafana/dashboards/*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, m := range []*objects.Set{rendered(t, "single", "../grafana"), build(t, filepath.Join(root, "deploy/grafana"))} {
		found := map[string]string{}
		for _, object := range m.ConfigMaps {
			assert.Equal(t, "1", object.Labels["grafana_dashboard"])
			for key, text := range object.Data {
				found[key] = text
			}
		}
		assert.Len(t, found, len(files), "deploy/grafana/kustomization.yaml has a line for each")
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(text), found[filepath.Base(file)])
		}
	}
}

// TestEverything: all components together render, with both forms.
func TestEverything(t *testing.T) {
	all := offered(t)
	assert.NotEmpty(t, rendered(t, "two-tier", all...).NetworkPolicies)
	var single []string
	for _, component := range all {
		if component != "autoscaling" { // of gateways
			single = append(single, component)
		}
	}
	m := rendered(t, "single", single...)
	for _, kept := range []int{len(m.ConfigMaps), len(m.NetworkPolicies), len(m.PodMonitors), len(m.Rules)} {
		assert.NotZero(t, kept)
	}
	for _, component := range single {
		assert.DirExists(t, filepath.Join(root, "deploy/kubernetes", component))
	}
	assert.Equal(t, len(all), len(single)+1, strings.Join(all, " "))
}

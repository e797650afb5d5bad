// Package objects reads Kubernetes objects as the API does, strictly: a field that
// a kind does not have is an error.
package objects

import (
	"fmt"
	"path/filepath"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Set has objects by kind and name.
type Set struct {
	ConfigMaps      map[string]corev1.ConfigMap
	Services        map[string]corev1.Service
	Deployments     map[string]appsv1.Deployment
	StatefulSets    map[string]appsv1.StatefulSet
	Budgets         map[string]policyv1.PodDisruptionBudget
	Autoscalers     map[string]autoscalingv2.HorizontalPodAutoscaler
	NetworkPolicies map[string]networkingv1.NetworkPolicy
	PodMonitors     map[string]monitoringv1.PodMonitor
	Rules           map[string]monitoringv1.PrometheusRule
}

// Read reads a stream of YAML documents.
func Read(stream []byte) (*Set, error) {
	s := &Set{
		map[string]corev1.ConfigMap{}, map[string]corev1.Service{}, map[string]appsv1.Deployment{}, map[string]appsv1.StatefulSet{},
		map[string]policyv1.PodDisruptionBudget{}, map[string]autoscalingv2.HorizontalPodAutoscaler{},
		map[string]networkingv1.NetworkPolicy{}, map[string]monitoringv1.PodMonitor{}, map[string]monitoringv1.PrometheusRule{},
	}
	for document := range strings.SplitSeq("\n"+string(stream), "\n---") {
		var of metav1.PartialObjectMetadata
		if err := yaml.Unmarshal([]byte(document), &of); err != nil {
			return nil, err
		}
		if of.Kind == "" {
			continue // comments alone
		}
		if err := s.add(of, []byte(document)); err != nil {
			return nil, fmt.Errorf("%s %s: %w", of.Kind, of.Name, err)
		}
	}
	return s, nil
}

func (s *Set) add(of metav1.PartialObjectMetadata, document []byte) error {
	switch of.APIVersion + " " + of.Kind {
	case "v1 ConfigMap":
		return strict(s.ConfigMaps, of.Name, document)
	case "v1 Service":
		return strict(s.Services, of.Name, document)
	case "apps/v1 Deployment":
		return strict(s.Deployments, of.Name, document)
	case "apps/v1 StatefulSet":
		return strict(s.StatefulSets, of.Name, document)
	case "policy/v1 PodDisruptionBudget":
		return strict(s.Budgets, of.Name, document)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return strict(s.Autoscalers, of.Name, document)
	case "networking.k8s.io/v1 NetworkPolicy":
		return strict(s.NetworkPolicies, of.Name, document)
	case "monitoring.coreos.com/v1 PodMonitor":
		return strict(s.PodMonitors, of.Name, document)
	case "monitoring.coreos.com/v1 PrometheusRule":
		return strict(s.Rules, of.Name, document)
	}
	return fmt.Errorf("%s: a kind that is not known here", of.APIVersion)
}

func strict[T any](into map[string]T, name string, document []byte) error {
	var object T
	if _, ok := into[name]; ok {
		return fmt.Errorf("there are two of this name")
	}
	err := yaml.UnmarshalStrict(document, &object)
	into[name] = object
	return err
}

// Pods are the templates of all pods, by the name of what they belong to.
func (s *Set) Pods() map[string]corev1.PodTemplateSpec {
	pods := map[string]corev1.PodTemplateSpec{}
	for name, object := range s.Deployments {
		pods[name] = object.Spec.Template
	}
	for name, object := range s.StatefulSets {
		pods[name] = object.Spec.Template
	}
	return pods
}

// configDir is the folder of the image that has otelcol.yaml and deploy/.
const configDir = "/etc/otelcol-ml/"

// Configs returns the arguments that have a collector outside of a pod read the
// configuration of the pod's: repository is what the image was made from, and dir a
// folder for what comes from ConfigMaps.
func (s *Set) Configs(pod corev1.PodSpec, repository string, write func(name, text string) (path string, err error)) ([]string, error) {
	container := pod.Containers[0]
	var args []string
	for _, arg := range container.Args {
		path, ok := strings.CutPrefix(arg, "--config="+configDir)
		if !ok {
			return nil, fmt.Errorf("%s: found %q, must be a file of %s", container.Name, arg, configDir)
		}
		text, mounted := s.mounted(pod, configDir+path)
		if !mounted {
			args = append(args, "--config="+filepath.Join(repository, path))
			continue
		}
		written, err := write(filepath.Base(path), text)
		if err != nil {
			return nil, err
		}
		args = append(args, "--config="+written)
	}
	return args, nil
}

// mounted returns the text of a file that a ConfigMap has.
func (s *Set) mounted(pod corev1.PodSpec, path string) (string, bool) {
	for _, mount := range pod.Containers[0].VolumeMounts {
		key, ok := strings.CutPrefix(path, mount.MountPath+"/")
		if !ok {
			continue
		}
		for _, volume := range pod.Volumes {
			if volume.Name == mount.Name && volume.ConfigMap != nil {
				text, ok := s.ConfigMaps[volume.ConfigMap.Name].Data[key]
				return text, ok
			}
		}
	}
	return "", false
}

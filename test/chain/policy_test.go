package chain

import "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"

// alwaysSample has every trace decoded and given to what is behind the sampler.
func alwaysSample() (p tailsamplingprocessor.PolicyCfg) {
	p.Name, p.Type = "all", tailsamplingprocessor.AlwaysSample
	return p
}

// This file is copied into ./build beside the main.go that the builder writes.

package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/otelcol"

	"github.com/otelcol-ml/otelcol-ml/internal/urlpassword"
)

const description = `otelcol-ml is an OpenTelemetry Collector for machine-learning pipelines. It finds GPU queue waits, feature store
fallbacks, silent output repairs and component reloads in spans, counts them over all requests for Prometheus,
and keeps the traces that explain them.

It reads one or more configuration files. A later file changes single settings of an earlier one: maps are
merged, lists are replaced. The environment variables that a file reads are listed at its head.

Signals:
  SIGTERM, SIGINT  stop receiving, decide on the buffered traces, export them, and exit: at most 20 seconds
  SIGHUP           reload the configuration; an invalid one is logged and changes nothing

Exit status: 0 after a complete shutdown, 1 after an error, or if the shutdown had to drop data.`

const examples = `  otelcol-ml --config otelcol.yaml
  otelcol-ml --config otelcol.yaml --config deploy/backend/otelcol.yaml
  otelcol-ml --config otelcol.yaml --config 'yaml:processors::mltailsampling::decision_wait: 30s'
  otelcol-ml validate --config otelcol.yaml
  otelcol-ml health`

const validateHelp = `Checks a configuration without running the collector: unknown keys, impossible values, policies that can never match,
components in the wrong order, and addresses, files and environment variables that the start would refuse.

Errors and warnings go to the standard error. The exit status is 0 without an error. Whether this machine has the files
and addresses of the configuration is a warning: it may be checked on another one. The start refuses what is missing.`

const printConfigHelp = `Prints the effective configuration: the files merged, variables replaced by their values, defaults added.

Tokens, passwords and keys are printed as [REDACTED] unless --mode=unredacted. The configuration is checked first, as by
the command validate, unless --validate=false.`

// newCommand returns the collector's command line, with a help that says what it
// does, and the command health.
func newCommand(params otelcol.CollectorSettings) *cobra.Command {
	cmd := otelcol.NewCommand(params)
	cmd.Long, cmd.Example = description, examples
	cmd.AddCommand(healthCommand())
	for _, c := range append(cmd.Commands(), cmd) {
		switch c.Name() {
		case "validate":
			c.Short, c.Long = "Checks a configuration without running the collector", validateHelp
		case "print-config":
			c.Short, c.Long = "Prints the effective configuration, defaults included", printConfigHelp
			c.PreRun = withoutURLPasswords
		}
		for flag, usage := range usages {
			if f := c.Flags().Lookup(flag); f != nil {
				f.Usage = usage
			}
		}
		// The library prints a hundred gates as the default; the command featuregate explains them.
		if gates := c.Flags().Lookup("feature-gates"); gates != nil {
			gates.Usage = "Comma-separated `gates` to enable, or with a leading '-' to disable; the command featuregate lists them"
			gates.DefValue = ""
		}
		if config := c.Flags().Lookup("config"); config != nil {
			config.Usage = "Configuration `file`, or yaml:, env:, http: or https: and its place; may be repeated"
			config.DefValue = ""
		}
	}
	return cmd
}

// withoutURLPasswords redacts passwords in URLs in the output of print-config, unless its mode is unredacted.
func withoutURLPasswords(c *cobra.Command, _ []string) {
	if mode := c.Flags().Lookup("mode"); mode == nil || mode.Value.String() != "unredacted" {
		c.SetOut(redacted{c.OutOrStdout()})
	}
}

type redacted struct{ to io.Writer }

// Write is called once, with the whole configuration.
func (r redacted) Write(text []byte) (int, error) {
	if _, err := io.WriteString(r.to, urlpassword.Redact(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// usages replaces the library's descriptions of flags.
var usages = map[string]string{
	"set":      "One `setting` of a component that a file has, as in processors.mltailsampling.decision_wait=30s; may be repeated",
	"format":   "Output `format`: yaml, or json, which may change",
	"mode":     "Output `mode`: redacted or unredacted",
	"validate": "Check the configuration before it is printed",
}

// healthCommand queries the health check of a running collector. The image has no
// shell and no other client.
func healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health [endpoint]",
		Short: "Query the health check of a running collector; the exit status is 0 if it answers 200",
		Long: "Query the health check of a running collector. The exit status is 0 if it answers 200, which it does once the\n" +
			"pipelines run. The endpoint is by default OTELCOL_ML_HEALTH_ENDPOINT or, if that is not set, localhost:13133.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			endpoint := cmp.Or(os.Getenv("OTELCOL_ML_HEALTH_ENDPOINT"), "localhost:13133")
			if len(args) > 0 {
				endpoint = args[0]
			}
			cmd.SilenceUsage = true
			if _, _, err := net.SplitHostPort(endpoint); err != nil {
				return fmt.Errorf("endpoint: found %q, must be host:port; write it like localhost:13133", endpoint)
			}
			client := http.Client{Timeout: 5 * time.Second}
			answer, err := client.Get("http://" + endpoint + "/")
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("http://%s/: found status %s, must be 200", endpoint, answer.Status)
			}
			return nil
		},
	}
}

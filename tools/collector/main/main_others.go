// This file is copied into ./build in place of the one that the builder writes.

package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"go.opentelemetry.io/collector/otelcol"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/internal/configcheck"
	"github.com/otelcol-ml/otelcol-ml/internal/processmemory"
	"github.com/otelcol-ml/otelcol-ml/internal/supervise"
	"github.com/otelcol-ml/otelcol-ml/internal/urlpassword"
)

// run runs the command line under a supervisor, which survives bad reloads and stalled shutdowns.
func run(params otelcol.CollectorSettings) error {
	processmemory.LimitHeap()
	if err := configcheck.UnsetEmpty(); err != nil {
		return err
	}
	config := &supervise.Snapshot{}
	resolver := &params.ConfigProviderSettings.ResolverSettings
	environment := &configcheck.Environment{}
	for i, factory := range resolver.ProviderFactories {
		resolver.ProviderFactories[i] = environment.Watch(factory)
	}
	resolver.ConverterFactories = append(resolver.ConverterFactories, configcheck.Factory(environment, printWarnings()), config.Factory())
	params.LoggingOptions = append(params.LoggingOptions, config.Hook(), zap.WrapCore(urlpassword.Core))

	logging := zap.NewProductionConfig()
	logging.Encoding = "console"
	logging.DisableCaller, logging.DisableStacktrace = true, true
	logging.EncoderConfig = zap.NewDevelopmentEncoderConfig()
	logger, err := logging.Build(zap.WrapCore(urlpassword.Core))
	if err != nil {
		return err
	}
	command := func(ctx context.Context, args []string) error {
		cmd := newCommand(params)
		cmd.SetArgs(args)
		cmd.SilenceErrors = true
		err := environment.Explain(cmd.ExecuteContext(ctx))
		if err != nil {
			fmt.Fprintln(os.Stderr, "Error:", urlpassword.Redact(err.Error()))
		}
		return err
	}
	return supervise.New(command, config, logger).Run(os.Args[1:])
}

// printWarnings returns what prints warnings about the configuration where the library does not log them: it logs nothing
// on `validate` and `print-config`.
func printWarnings() func(string) {
	if !slices.ContainsFunc(os.Args[1:], func(arg string) bool {
		return arg == "validate" || arg == "print-config" || arg == "print-initial-config"
	}) {
		return nil
	}
	return func(text string) { fmt.Fprintln(os.Stderr, "Warning:", urlpassword.Redact(text)) }
}

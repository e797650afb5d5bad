// This file is copied into ./build in place of the one that the builder writes.

package main

import (
	"context"
	"os"

	"go.opentelemetry.io/collector/otelcol"
	"go.uber.org/zap"

	"github.com/otelcol-ml/otelcol-ml/internal/processmemory"
	"github.com/otelcol-ml/otelcol-ml/internal/supervise"
)

// run runs the command line under a supervisor, which survives bad reloads and stalled shutdowns.
func run(params otelcol.CollectorSettings) error {
	processmemory.LimitHeap()
	config := &supervise.Snapshot{}
	resolver := &params.ConfigProviderSettings.ResolverSettings
	resolver.ConverterFactories = append(resolver.ConverterFactories, config.Factory())
	params.LoggingOptions = append(params.LoggingOptions, config.Hook())

	logging := zap.NewProductionConfig()
	logging.Encoding = "console"
	logging.DisableCaller, logging.DisableStacktrace = true, true
	logging.EncoderConfig = zap.NewDevelopmentEncoderConfig()
	logger, err := logging.Build()
	if err != nil {
		return err
	}
	command := func(ctx context.Context, args []string) error {
		cmd := otelcol.NewCommand(params)
		cmd.SetArgs(args)
		return cmd.ExecuteContext(ctx)
	}
	return supervise.New(command, config, logger).Run(os.Args[1:])
}

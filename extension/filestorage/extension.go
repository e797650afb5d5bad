// Package filestorage is contrib's file storage with queues that lose nothing on a
// full disk: what an exporter has not sent stays in its queue whatever can be
// written. The type and the settings are contrib's.
//
// A client may be used concurrently, and belongs to the exporter that asked for
// it, which closes it.
package filestorage

import (
	"context"

	contrib "github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"
)

// NewFactory returns the factory of the extension.
func NewFactory() extension.Factory {
	f := contrib.NewFactory()
	return extension.NewFactory(f.Type(), f.CreateDefaultConfig,
		func(ctx context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
			e, err := f.Create(ctx, set, cfg)
			if err != nil {
				return nil, err
			}
			return &fileStorage{Extension: e.(storage.Extension), logger: set.Logger}, nil
		}, f.Stability())
}

type fileStorage struct {
	storage.Extension
	logger *zap.Logger
}

// GetClient returns a client for a component. Those of exporters are for their queues.
func (s *fileStorage) GetClient(ctx context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	client, err := s.Extension.GetClient(ctx, kind, id, name)
	if err != nil || kind != component.KindExporter {
		return client, err
	}
	return openQueue(ctx, client, s.logger.With(zap.Stringer("exporter", id)))
}

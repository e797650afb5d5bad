// Command pictures makes the pictures of the README: it runs the collector with
// the demo's traffic for two minutes and takes the page's overview and the
// waterfall of the article's request.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/browser/internal/chrome"
)

const (
	fastFlush = "yaml:connectors::mlmetrics::metrics_flush_interval: 2s"
	pace      = 20 * time.Millisecond // between two requests
	patience  = time.Minute
	// scale makes small text sharp on the screens of today.
	scale = 2
	width = 1080
)

func main() {
	binary := flag.String("collector", "../../../bin/otelcol-ml", "the collector, built by `make build`")
	config := flag.String("config", "../../../otelcol.yaml", "its configuration")
	into := flag.String("into", "../../../docs/pictures", "folder of the pictures")
	traffic := flag.Duration("traffic", 2*time.Minute, "how long requests are sent before the pictures are taken")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *binary, *config, *into, *traffic); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, config, into string, traffic time.Duration) (failed error) {
	data, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return err
	}
	defer func() { failed = errors.Join(failed, os.RemoveAll(data)) }()
	addresses, err := collector.FreeAddresses()
	if err != nil {
		return err
	}
	running, err := collector.Start(ctx, collector.Options{
		Binary: binary, Configs: []string{config, fastFlush}, Addresses: addresses, DataDir: data, Log: filepath.Join(data, "log"),
	})
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		failed = errors.Join(failed, running.Stop(ending))
	}()
	article, err := send(ctx, running.GRPC, traffic)
	if err != nil {
		return err
	}
	browser, err := chrome.Start(ctx)
	if err != nil {
		return err
	}
	defer browser.Close()
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	for _, p := range []struct {
		name, path, until string
		height            int64
	}{
		{"overview.png", "", "#b-cold_start", 900},
		{"waterfall.png", "traces/" + article, "table.waterfall", 1100},
	} {
		if err := take(ctx, running, browser, addresses.ViewURL()+p.path, p.until, p.height, filepath.Join(into, p.name)); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// send plays requests as they would happen, the article's in the midst of them, and returns the ID of its trace.
func send(ctx context.Context, endpoint string, traffic time.Duration) (article string, failed error) {
	services, err := shop.Open(ctx, shop.Config{Endpoint: endpoint})
	if err != nil {
		return "", err
	}
	defer func() { failed = errors.Join(failed, services.Close(context.WithoutCancel(ctx))) }()
	began := time.Now()
	source := shop.NewSource(1, shop.ArticleRates, began, pace)
	for time.Since(began) < traffic {
		request := source.Next()
		if article == "" && time.Since(began) > traffic/2 {
			article = services.Play(shop.ArticleRequest(time.Now().Add(-2 * time.Second))).TraceID.String()
		}
		ended := time.NewTimer(time.Until(request.Start.Add(request.Duration())))
		select {
		case <-ended.C:
			services.Play(request)
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return article, nil
}

// take waits until an element is on the page, and writes the page down to the end of it.
func take(ctx context.Context, running *collector.Collector, browser *chrome.Browser, address, until string, height int64, file string) error {
	tab, err := browser.Open(chrome.Look{Width: width, Height: height, Scale: scale})
	if err != nil {
		return err
	}
	defer tab.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var bottom float64
	err = running.Until(ctx, until, func(context.Context) error {
		if err := tab.Go(address); err != nil {
			return err
		}
		bottom, err = chrome.Evaluate[float64](tab, fmt.Sprintf(`document.querySelector(%q).closest("table").getBoundingClientRect().bottom`, until))
		return err
	})
	if err != nil {
		return err
	}
	shot, err := tab.Screenshot()
	if err != nil {
		return err
	}
	small, err := shrink(shot, int(bottom+16)*scale)
	if err != nil {
		return err
	}
	return os.WriteFile(file, small, 0o644)
}

// shrink cuts a picture off below, and keeps 256 colours: the page has few, and the picture is a quarter the size.
func shrink(shot []byte, height int) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	bounds := full.Bounds().Intersect(image.Rect(0, 0, full.Bounds().Dx(), height))
	out := image.NewPaletted(bounds, palette(full, bounds))
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			out.Set(x, y, full.At(x, y))
		}
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out)
	return b.Bytes(), err
}

// palette has the most frequent colours.
func palette(of image.Image, in image.Rectangle) color.Palette {
	counts := map[color.RGBA]int{}
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for x := in.Min.X; x < in.Max.X; x++ {
			counts[color.RGBAModel.Convert(of.At(x, y)).(color.RGBA)]++
		}
	}
	var colours color.Palette
	for len(colours) < 256 && len(counts) > 0 {
		var best color.RGBA
		most := -1
		for c, n := range counts {
			if n > most {
				best, most = c, n
			}
		}
		delete(counts, best)
		colours = append(colours, best)
	}
	return colours
}

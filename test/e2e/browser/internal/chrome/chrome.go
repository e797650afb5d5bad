// Package chrome drives Debian's Chromium.
package chrome

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Patience is how long one step in the browser may take.
const Patience = time.Minute

// Browser is a running Chromium.
type Browser struct {
	context context.Context
	cancel  context.CancelFunc
}

// Start starts Chromium: the one that CHROMIUM names, or the one in the path.
func Start(ctx context.Context) (*Browser, error) {
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	if path == "" {
		return nil, errors.New("no chromium in the path: install it with `make chromium`, or say where it is in CHROMIUM")
	}
	// Without the sandbox, because containers that run as root have none; it sees nothing but this repository's page.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(Patience), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("disable-dev-shm-usage", true))
	allocated, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	tab, cancelBrowser := chromedp.NewContext(allocated)
	b := &Browser{tab, func() { cancelBrowser(); cancelAllocator() }}
	if err := chromedp.Do(tab); err != nil {
		b.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return b, nil
}

// Close ends the browser.
func (b *Browser) Close() { b.cancel() }

// Tab is an open page, and what went wrong on it.
type Tab struct {
	context context.Context
	cancel  context.CancelFunc

	mutex    sync.Mutex
	problems []string
	hosts    map[string]bool
}

// Look is how a page is looked at.
type Look struct {
	Width, Height int64
	Dark          bool
	Scale         float64 // pixels for each of the page's, 1 where 0
}

// The usual ways to look.
var (
	Desktop = Look{Width: 1300, Height: 900}
	Phone   = Look{Width: 390, Height: 844}
	Night   = Look{Width: 1300, Height: 900, Dark: true}
)

// Open opens an empty tab.
func (b *Browser) Open(look Look) (*Tab, error) {
	ctx, cancel := chromedp.NewContext(b.context)
	t := &Tab{context: ctx, cancel: cancel, hosts: map[string]bool{}}
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	scale := look.Scale
	if scale == 0 {
		scale = 1
	}
	err := errors.Join(
		chromedp.Listen(ctx, t.listen),
		call(ctx, network.Enable, network.EnableParams{}),
		call(ctx, cdplog.Enable, cdp.Empty{}),
		call(ctx, runtime.Enable, cdp.Empty{}),
		chromedp.Do(ctx, chromedp.EmulateViewport(look.Width, look.Height, chromedp.EmulateScale(scale))),
		call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}),
	)
	if err != nil {
		cancel()
		return nil, err
	}
	return t, nil
}

func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}

// Close closes the tab.
func (t *Tab) Close() { t.cancel() }

// listen notes what the console, scripts and the content security policy complain of, dialogs, and whom the page asks.
func (t *Tab) listen(event any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	problem := func(format string, args ...any) { t.problems = append(t.problems, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem("exception: %+v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		problem("console: %s", e.Type)
	case *cdplog.EventEntryAdded:
		problem("log: %s %s", e.Entry.Text, e.Entry.URL)
	case *page.EventJavascriptDialogOpening:
		problem("dialog: %s", e.Message)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Host != "" {
			t.hosts[u.Host] = true
		}
	}
}

// Problems are what went wrong so far.
func (t *Tab) Problems() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.problems)
}

// Hosts are those that the tab has asked for anything.
func (t *Tab) Hosts() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Sorted(maps.Keys(t.hosts))
}

// Go opens an address and waits until it is loaded.
func (t *Tab) Go(address string) error { return t.do(chromedp.Navigate(address)) }

// Click clicks on what a selector finds, and waits for the page that opens.
func (t *Tab) Click(selector string) error {
	ctx, cancel := context.WithTimeout(t.context, Patience)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.Click(selector))
	return err
}

// Press presses a key.
func (t *Tab) Press(key string) error { return t.do(chromedp.KeyEvent(key)) }

// Screenshot is the part of the page that is in view, as PNG.
func (t *Tab) Screenshot() ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.context, Patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

// Allow grants a permission.
func (t *Tab) Allow(permission string) error {
	ctx, cancel := context.WithTimeout(t.context, Patience)
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: permission}, Setting: browser.PermissionSettingGranted,
	})
	return err
}

func (t *Tab) do(actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(t.context, Patience)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

// Evaluate runs an expression in the page, a promise to its end, and returns its value.
func Evaluate[T any](t *Tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(t.context, Patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

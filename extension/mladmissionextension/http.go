package mladmissionextension

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/otelcol-ml/otelcol-ml/extension/mladmissionextension/internal/shape"
)

// GetHTTPHandler returns the middleware. It runs after decompression.
func (a *admission) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		return &handler{a, next}, nil
	}, nil
}

type handler struct {
	*admission
	next http.Handler
}

// ServeHTTP reads the whole request and passes it on if it is admitted.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.TrimSpace(kind)
	if r.Method != http.MethodPost || kind != protobufType && kind != jsonType {
		h.next.ServeHTTP(w, r) // the receiver refuses it
		return
	}
	body, read, err := h.read(r)
	defer func() { h.reading.release(read) }()
	if err != nil {
		if status, ok := httpStatus[err]; ok {
			h.refuse(err)
			writeError(w, kind, status, err)
			return
		}
		// The receiver answers, as it does where it reads the request itself.
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), &failed{err}))
		h.next.ServeHTTP(w, r)
		return
	}
	memory, err := h.measure(r.URL.Path, kind, body)
	if err == nil {
		err = h.reserve(r.Context(), h.processing, 0, memory, h.patience())
	}
	if err != nil {
		h.refuse(err)
		status, ok := httpStatus[err]
		if !ok {
			status = http.StatusBadRequest
		}
		writeError(w, kind, status, err)
		return
	}
	defer h.processing.release(memory)
	h.reading.release(read)
	read = 0
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	h.next.ServeHTTP(w, r)
}

const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"
)

// httpStatus is the status for errors that are not about what the request says.
var httpStatus = map[error]int{
	errBusy: http.StatusServiceUnavailable,
	errSize: http.StatusRequestEntityTooLarge,
}

// failed is a body whose reading fails.
type failed struct{ err error }

func (f *failed) Read([]byte) (int, error) { return 0, f.err }

// firstRead is how much of a body is reserved and read at first, or as much as the largest request of late; after that
// as much again as there is.
const firstRead = 64 << 10

// read reads a body. It reserves memory for what it reads, so that the bodies
// of many requests do not add up before they are measured, and returns how much.
func (h *handler) read(r *http.Request) (_ []byte, reserved int64, err error) {
	var b bytes.Buffer
	// It waits before it has read anything: requests that wait for each other with what they have would never end.
	step, patience := max(firstRead, min(h.largest.Load(), h.config.MaxRequestBytes)), h.patience()
	if r.ContentLength >= 0 { // -1 where it was compressed
		step = min(step, r.ContentLength+1) // one more, to see its end
	}
	for {
		if err := h.reserve(r.Context(), h.reading, reserved, step, patience); err != nil {
			return nil, reserved, err
		}
		reserved += step
		_, err := io.CopyN(&b, r.Body, step)
		if errors.Is(err, io.EOF) {
			h.received(int64(b.Len()))
			return b.Bytes(), reserved, nil
		}
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) { // max_request_body_size of the receiver, which would answer 400
			return nil, reserved, errSize
		}
		if err != nil {
			return b.Bytes(), reserved, err
		}
		step, patience = int64(max(firstRead, b.Len())), 0
	}
}

// measure returns the memory that a request takes when it is decoded.
func (h *handler) measure(path, kind string, body []byte) (int64, error) {
	if kind == jsonType {
		memory, err := shape.JSON(body, h.config.MaxDepth)
		return int64(memory), err
	}
	signal := shape.Traces
	switch {
	case strings.HasSuffix(path, "metrics"):
		signal = shape.Metrics
	case strings.HasSuffix(path, "logs"):
		signal = shape.Logs
	}
	memory, err := shape.Proto(body, signal, h.config.MaxDepth)
	return int64(memory), err
}

// writeError answers as OTLP wants it: with a Status in the request's encoding.
func writeError(w http.ResponseWriter, kind string, code int, err error) {
	s := &status.Status{Code: int32(codes.InvalidArgument), Message: err.Error()}
	if code == http.StatusServiceUnavailable {
		s.Code = int32(codes.Unavailable)
		w.Header().Set("Retry-After", "1")
	}
	marshal := proto.Marshal
	if kind == jsonType {
		marshal = protojson.Marshal
	}
	text, _ := marshal(s)
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	_, _ = w.Write(text)
}

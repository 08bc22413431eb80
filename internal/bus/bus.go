// Package bus is the doorbell between the stages. Its messages carry ids, never
// documents, and may be lost: the row is the truth, and a scan finds what no bell
// announced. So a handler that fails is not handed its message again (that would
// spin); it leaves the row as it is.
//
// The in-process channel of watermill carries the bells and its router runs the
// handlers. Bells are coalesced while they wait, and their number is bounded: a
// bell too many is dropped and Ring says so.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"stellwerk/internal/crew"
)

// Waiting is how many bells of one topic may wait. More would not be handled sooner:
// by the time it is their turn, nothing of what they announce is in memory any more.
const Waiting = 256

// staying is how many goroutines wait for a bell at most.
const staying = 64

// Options are the bus's surroundings.
type Options struct {
	Log *slog.Logger
	// Handled is told about every message that was handled; for metrics.
	Handled func(topic string, took time.Duration, err error)
}

// Bus rings and handles doorbells.
type Bus struct {
	opts    Options
	router  *message.Router
	channel *gochannel.GoChannel
	crew    *crew.Crew // runs what handles a bell

	mu     sync.Mutex
	topics map[string]*topic
}

type topic struct {
	rung map[string]bool // keys that wait for a handler
	room chan struct{}   // one token for each bell that may still wait

	since  time.Time // the minute in which so many handlers have failed
	failed int
}

// New makes a bus without handlers.
func New(opts Options) (*Bus, error) {
	logger := quiet{watermill.NewSlogLoggerWithLevelMapping(opts.Log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, logger)
	if err != nil {
		return nil, fmt.Errorf("make the bus: %w", err)
	}
	b := &Bus{
		opts:    opts,
		router:  router,
		channel: gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: Waiting}, logger),
		crew:    crew.New(staying),
		topics:  map[string]*topic{},
	}
	// The first one added is the outermost.
	router.AddMiddleware(b.settle, middleware.CorrelationID, middleware.Recoverer)
	return b, nil
}

// quiet leaves out the lines about every single message, which cost as much to make as
// to write.
type quiet struct{ watermill.LoggerAdapter }

func (quiet) Trace(string, watermill.LogFields) {}

func (q quiet) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return quiet{q.LoggerAdapter.With(fields)}
}

// Handle runs fn for every bell of a topic, at most workers at once. It is called
// before Run.
func (b *Bus) Handle(name string, workers int, fn func(ctx context.Context, key string) error) {
	t := &topic{rung: map[string]bool{}, room: make(chan struct{}, Waiting)}
	for range Waiting {
		t.room <- struct{}{}
	}
	b.topics[name] = t
	slots := make(chan struct{}, workers)
	b.router.AddConsumerHandler(name, name, b.channel, func(msg *message.Message) error {
		slots <- struct{}{}
		defer func() { <-slots }()
		key := string(msg.Payload)
		b.mu.Lock()
		delete(t.rung, key)
		b.mu.Unlock()
		t.room <- struct{}{}
		done := make(chan error, 1)
		b.crew.Go(func() { done <- recovered(func() error { return fn(msg.Context(), key) }) })
		return <-done
	})
}

// recovered is fn with a panic as an error, as the router's recoverer makes it: fn does
// not run on the router's goroutine.
func recovered(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = middleware.RecoveredPanicError{V: v, Stacktrace: string(debug.Stack())}
		}
	}()
	return fn()
}

// Ring announces that there is something to do for key. A key that waits already
// is not rung twice. It reports false where too many bells wait, and where nobody
// listens yet: the bell is dropped then, and a scan must find the row.
func (b *Bus) Ring(name, key string) bool {
	if !b.router.IsRunning() {
		return false // the channel would swallow it, and its key and its room with it
	}
	t := b.topics[name]
	select {
	case <-t.room:
	default:
		return false
	}
	b.publish(name, key, t)
	return true
}

// Busy reports whether so many bells of a topic wait that a scan should not add
// to them.
func (b *Bus) Busy(name string) bool { return len(b.topics[name].room) < Waiting*3/4 }

func (b *Bus) publish(name, key string, t *topic) {
	b.mu.Lock()
	known := t.rung[key]
	t.rung[key] = true
	b.mu.Unlock()
	if known {
		t.room <- struct{}{}
		return
	}
	msg := message.NewMessage("", []byte(key))
	middleware.SetCorrelationID(key, msg)
	if err := b.channel.Publish(name, msg); err != nil {
		// Only a closed channel refuses: the hub is stopping, the row stays due.
		b.mu.Lock()
		delete(t.rung, key)
		b.mu.Unlock()
		t.room <- struct{}{}
	}
}

// settle ends every message here: an error is told and not handed back, since the
// channel would deliver the message again at once.
func (b *Bus) settle(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		start := time.Now()
		_, err := next(msg)
		name := message.SubscribeTopicFromCtx(msg.Context())
		if b.opts.Handled != nil {
			b.opts.Handled(name, time.Since(start), err)
		}
		var panicked middleware.RecoveredPanicError
		switch {
		case err == nil:
		case errors.As(err, &panicked): // its value may quote a document; its type and the place do not
			b.opts.Log.Error("handler panicked", "topic", name, "key", string(msg.Payload), "panic", fmt.Sprintf("%T", panicked.V), "stack", panicked.Stacktrace)
		case msg.Context().Err() == nil:
			b.stopped(name, string(msg.Payload), err)
		}
		return nil, nil
	}
}

// mostTold is how many errors of one topic are told one by one in a minute.
const mostTold = 20

// stopped tells of a handler that failed. What keeps one from its work, a full disk, keeps
// all of them from it, at every scan: the log must not fill the disk on top.
func (b *Bus) stopped(name, key string, err error) {
	now, t := time.Now(), b.topics[name]
	b.mu.Lock()
	more := 0
	if now.Sub(t.since) >= time.Minute {
		more = max(t.failed-mostTold, 0)
		t.since, t.failed = now, 0
	}
	t.failed++
	n := t.failed
	b.mu.Unlock()
	if more > 0 {
		b.opts.Log.Error("more handlers stopped than were told", "topic", name, "more", more)
	}
	switch {
	case n <= mostTold:
		b.opts.Log.Error("handler stopped", "topic", name, "key", key, "error", err)
	case n == mostTold+1:
		b.opts.Log.Error("many handlers stop; those of the next minute are counted only", "topic", name, "error", err)
	}
}

// Run handles bells until ctx ends or Close is called.
func (b *Bus) Run(ctx context.Context) error {
	if err := b.router.Run(ctx); err != nil {
		return fmt.Errorf("run the bus: %w", err)
	}
	return nil
}

// Running is closed as soon as bells are heard.
func (b *Bus) Running() chan struct{} { return b.router.Running() }

// Close waits for the handlers under way, up to ten seconds.
func (b *Bus) Close() error {
	defer b.crew.Close()
	if err := b.router.Close(); err != nil {
		return fmt.Errorf("close the bus: %w", err)
	}
	return nil
}

// Stands in for Centrifugo where that can't be had: the same protocol and
// transports, of the library that Centrifugo is made of, with the part of its
// config and of its HTTP API that examples/chat and the tests use.
//
//	centrifuge_server -c examples/chat/centrifugo/config.json
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/centrifugal/centrifuge"
)

func main() {
	path := flag.String("c", "config.json", "Centrifugo's config, as JSON")
	flag.Parse()
	if err := run(*path); err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}

func run(path string) error {
	config, err := readConfig(path)
	if err != nil {
		return err
	}
	origins, err := config.originPattern()
	if err != nil {
		return err
	}
	node, err := centrifuge.New(centrifuge.Config{
		Version:                     "stand-in",
		LogLevel:                    centrifuge.LogLevelInfo,
		LogHandler:                  logEntry,
		HistoryMaxPublicationLimit:  300,
		RecoveryMaxPublicationLimit: 300,
	})
	if err != nil {
		return err
	}
	// As in Centrifugo, HTTP_PROXY is not heeded.
	server := &Server{config, node, &http.Client{Transport: &http.Transport{}}}
	server.setUp()
	if err := node.Run(); err != nil {
		return err
	}
	address := net.JoinHostPort(config.HTTPServer.Address, strconv.Itoa(config.HTTPServer.Port))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	slog.Info("serving", "address", listener.Addr().String())

	web := &http.Server{Handler: server.handler(origins)}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
		// A second signal ends at once.
		cancel()
	}
	deadline, cancel := context.WithTimeout(context.Background(), time.Duration(config.Shutdown.Timeout))
	defer cancel()
	// Streams are requests too, which the web server would wait for.
	return errors.Join(node.Shutdown(deadline), web.Shutdown(deadline))
}

func (s *Server) handler(origins *regexp.Regexp) http.Handler {
	isAllowed := func(r *http.Request) bool {
		origin := strings.ToLower(r.Header.Get("Origin"))
		return origin == "" || origins.MatchString(origin)
	}
	ping := centrifuge.PingPongConfig{
		PingInterval: time.Duration(s.config.Client.PingInterval),
		PongTimeout:  time.Duration(s.config.Client.PongTimeout),
	}
	mux := http.NewServeMux()
	connect := func(path string, handler http.Handler) {
		mux.Handle(path, cors(isAllowed, handler))
	}
	connect("/connection/websocket", centrifuge.NewWebsocketHandler(s.node, centrifuge.WebsocketConfig{
		CheckOrigin:    isAllowed,
		PingPongConfig: ping,
	}))
	if s.config.SSE.Enabled {
		connect("/connection/sse", centrifuge.NewSSEHandler(s.node, centrifuge.SSEConfig{PingPongConfig: ping}))
	}
	if s.config.HTTPStream.Enabled {
		connect("/connection/http_stream",
			centrifuge.NewHTTPStreamHandler(s.node, centrifuge.HTTPStreamConfig{PingPongConfig: ping}))
	}
	if s.config.SSE.Enabled || s.config.HTTPStream.Enabled {
		connect("/emulation", centrifuge.NewEmulationHandler(s.node, centrifuge.EmulationConfig{}))
	}
	if s.config.Health.Enabled {
		mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte("{}"))
		})
	}
	mux.Handle("/api/", s.api())
	return mux
}

// cors lets pages of allowed origins read the answers. It refuses nobody: that
// is the browser's part, and the WebSocket handler's.
func cors(isAllowed func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAllowed(r) {
			header := w.Header()
			header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			header.Set("Access-Control-Allow-Credentials", "true")
			if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
				header.Set("Access-Control-Allow-Headers", wanted)
			}
		}
		next.ServeHTTP(w, r)
	})
}

func logEntry(entry centrifuge.LogEntry) {
	level := slog.LevelInfo
	if entry.Level >= centrifuge.LogLevelWarn {
		level = slog.LevelWarn
	}
	slog.Log(context.Background(), level, entry.Message, "fields", entry.Fields)
}

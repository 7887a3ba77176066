package main

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/centrifugal/centrifuge"
)

// Position in the stream of a channel.
type Position struct {
	Offset uint64 `json:"offset,omitempty"`
	Epoch  string `json:"epoch,omitempty"`
}

// Info about a client.
type Info struct {
	User     string          `json:"user"`
	Client   string          `json:"client"`
	ConnInfo json.RawMessage `json:"conn_info,omitempty"`
}

// Publication of a channel's history.
type Publication struct {
	Data   json.RawMessage `json:"data"`
	Info   *Info           `json:"info,omitempty"`
	Offset uint64          `json:"offset,omitempty"`
}

// Request has the parameters of all methods.
type Request struct {
	Channel     string          `json:"channel"`
	Data        json.RawMessage `json:"data"`
	SkipHistory bool            `json:"skip_history"`
	User        string          `json:"user"`
	Client      string          `json:"client"`
	Disconnect  *struct {
		Code   uint32 `json:"code"`
		Reason string `json:"reason"`
	} `json:"disconnect"`
	Limit   int       `json:"limit"`
	Since   *Position `json:"since"`
	Reverse bool      `json:"reverse"`
}

type object = map[string]any

// api is Centrifugo's HTTP API, as far as the backend and the tests call it:
// https://centrifugal.dev/docs/server/server_api
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	for method, call := range map[string]func(*Request) (any, error){
		"publish":    s.apiPublish,
		"disconnect": s.apiDisconnect,
		"presence":   s.apiPresence,
		"history":    s.apiHistory,
		"info":       s.apiInfo,
	} {
		mux.HandleFunc("POST /api/"+method, func(w http.ResponseWriter, r *http.Request) {
			if !s.isAuthorized(r) {
				http.Error(w, "", http.StatusUnauthorized)
				return
			}
			request := &Request{}
			if err := json.NewDecoder(r.Body).Decode(request); err != nil {
				http.Error(w, "Bad Request", http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(answer(call(request))); err != nil {
				slog.Error("error writing an API response", "error", err)
			}
		})
	}
	return mux
}

func (s *Server) isAuthorized(r *http.Request) bool {
	key, expected := r.Header.Get("X-API-Key"), s.config.HTTPAPI.Key
	return expected != "" && subtle.ConstantTimeCompare([]byte(key), []byte(expected)) == 1
}

// answer wraps a result or an error as Centrifugo does, both with status 200.
func answer(result any, err error) object {
	if err == nil {
		return object{"result": result}
	}
	var known *centrifuge.Error
	if !errors.As(err, &known) {
		slog.Error("error calling the API", "error", err)
		known = centrifuge.ErrorInternal
	}
	return object{"error": object{"code": known.Code, "message": known.Message}}
}

func (s *Server) apiPublish(r *Request) (any, error) {
	if r.Channel == "" || len(r.Data) == 0 {
		return nil, centrifuge.ErrorBadRequest
	}
	ns := s.config.namespace(r.Channel)
	if ns == nil {
		return nil, centrifuge.ErrorUnknownChannel
	}
	var options []centrifuge.PublishOption
	if !r.SkipHistory {
		options = append(options, withHistory(ns))
	}
	result, err := s.node.Publish(r.Channel, r.Data, options...)
	return Position{result.Offset, result.Epoch}, err
}

func (s *Server) apiDisconnect(r *Request) (any, error) {
	disconnect := centrifuge.DisconnectForceNoReconnect
	if r.Disconnect != nil {
		disconnect = centrifuge.Disconnect{Code: r.Disconnect.Code, Reason: r.Disconnect.Reason}
	}
	return object{}, s.node.Disconnect(r.User,
		centrifuge.WithCustomDisconnect(disconnect), centrifuge.WithDisconnectClient(r.Client))
}

func (s *Server) apiPresence(r *Request) (any, error) {
	ns := s.config.namespace(r.Channel)
	if ns == nil {
		return nil, centrifuge.ErrorUnknownChannel
	}
	if !ns.Presence {
		return nil, centrifuge.ErrorNotAvailable
	}
	result, err := s.node.Presence(r.Channel)
	clients := map[string]*Info{}
	for id, info := range result.Presence {
		clients[id] = toInfo(info)
	}
	return object{"presence": clients}, err
}

func (s *Server) apiHistory(r *Request) (any, error) {
	ns := s.config.namespace(r.Channel)
	if ns == nil {
		return nil, centrifuge.ErrorUnknownChannel
	}
	if !ns.hasHistory() {
		return nil, centrifuge.ErrorNotAvailable
	}
	filter := centrifuge.HistoryFilter{Limit: r.Limit, Reverse: r.Reverse}
	if r.Since != nil {
		filter.Since = &centrifuge.StreamPosition{Offset: r.Since.Offset, Epoch: r.Since.Epoch}
	}
	result, err := s.node.History(r.Channel, centrifuge.WithHistoryFilter(filter))
	publications := []Publication{}
	for _, pub := range result.Publications {
		publications = append(publications, Publication{pub.Data, toInfo(pub.Info), pub.Offset})
	}
	return object{"publications": publications, "offset": result.Offset, "epoch": result.Epoch}, err
}

func toInfo(info *centrifuge.ClientInfo) *Info {
	if info == nil {
		return nil
	}
	return &Info{info.UserID, info.ClientID, info.ConnInfo}
}

func (s *Server) apiInfo(*Request) (any, error) {
	info, err := s.node.Info()
	var nodes []object
	for _, node := range info.Nodes {
		nodes = append(nodes, object{
			"uid":          node.UID,
			"version":      node.Version,
			"num_clients":  node.NumClients,
			"num_users":    node.NumUsers,
			"num_subs":     node.NumSubs,
			"num_channels": node.NumChannels,
		})
	}
	return object{"nodes": nodes}, err
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/golang-jwt/jwt/v5"
)

// Claims of a connection token.
type Claims struct {
	jwt.RegisteredClaims
	Info json.RawMessage `json:"info"`
}

// Server answers clients and the backend.
type Server struct {
	config *Config
	node   *centrifuge.Node
	// Who answers RPCs.
	backend *http.Client
}

// setUp decides what clients may do, as Centrifugo decides it.
func (s *Server) setUp() {
	s.node.OnConnecting(func(_ context.Context, e centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		if e.Token == "" {
			// Without credentials the library refuses the connection.
			return centrifuge.ConnectReply{}, nil
		}
		claims, err := s.verify(e.Token)
		if errors.Is(err, jwt.ErrTokenExpired) {
			return centrifuge.ConnectReply{}, centrifuge.ErrorTokenExpired
		}
		if err != nil {
			slog.Info("invalid connection token", "client", e.ClientID, "error", err)
			return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
		}
		return centrifuge.ConnectReply{
			ClientSideRefresh: true,
			Credentials: &centrifuge.Credentials{
				UserID:   claims.Subject,
				ExpireAt: expireAt(claims),
				Info:     claims.Info,
			},
		}, nil
	})
	s.node.OnConnect(func(client *centrifuge.Client) {
		client.OnRefresh(func(e centrifuge.RefreshEvent, done centrifuge.RefreshCallback) {
			done(s.refresh(client, e))
		})
		client.OnSubscribe(func(e centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(s.subscribe(client, e))
		})
		client.OnPublish(func(e centrifuge.PublishEvent, done centrifuge.PublishCallback) {
			done(s.publish(client, e))
		})
		client.OnPresence(func(e centrifuge.PresenceEvent, done centrifuge.PresenceCallback) {
			done(centrifuge.PresenceReply{}, s.mayAskPresence(client, e.Channel))
		})
		client.OnPresenceStats(func(e centrifuge.PresenceStatsEvent, done centrifuge.PresenceStatsCallback) {
			done(centrifuge.PresenceStatsReply{}, s.mayAskPresence(client, e.Channel))
		})
		client.OnHistory(func(e centrifuge.HistoryEvent, done centrifuge.HistoryCallback) {
			done(centrifuge.HistoryReply{}, s.mayAskHistory(client, e.Channel))
		})
		client.OnRPC(func(e centrifuge.RPCEvent, done centrifuge.RPCCallback) {
			// The backend may take its time; the connection goes on meanwhile.
			go func() { done(s.rpc(client, e)) }()
		})
	})
}

func (s *Server) verify(token string) (*Claims, error) {
	claims := &Claims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) {
		return []byte(s.config.Client.Token.HMACSecretKey), nil
	}, jwt.WithValidMethods([]string{"HS256", "HS384", "HS512"}))
	return claims, err
}

// expireAt is 0 for a token that is good for ever.
func expireAt(claims *Claims) int64 {
	if claims.ExpiresAt == nil {
		return 0
	}
	return claims.ExpiresAt.Unix()
}

func (s *Server) refresh(client *centrifuge.Client, e centrifuge.RefreshEvent) (centrifuge.RefreshReply, error) {
	claims, err := s.verify(e.Token)
	if errors.Is(err, jwt.ErrTokenExpired) {
		return centrifuge.RefreshReply{Expired: true}, nil
	}
	if err != nil || claims.Subject != client.UserID() {
		slog.Info("invalid refresh token", "client", client.ID(), "error", err)
		return centrifuge.RefreshReply{}, centrifuge.DisconnectInvalidToken
	}
	return centrifuge.RefreshReply{ExpireAt: expireAt(claims), Info: claims.Info}, nil
}

func (s *Server) subscribe(client *centrifuge.Client, e centrifuge.SubscribeEvent) (centrifuge.SubscribeReply, error) {
	ns := s.config.namespace(e.Channel)
	if ns == nil {
		return centrifuge.SubscribeReply{}, centrifuge.ErrorUnknownChannel
	}
	if !ns.AllowSubscribeForClient || client.UserID() == "" {
		return centrifuge.SubscribeReply{}, centrifuge.ErrorPermissionDenied
	}
	seesJoins := ns.JoinLeave && ns.AllowPresenceForSubscriber
	seesHistory := ns.AllowHistoryForSubscriber
	return centrifuge.SubscribeReply{
		ClientSideRefresh: true,
		Options: centrifuge.SubscribeOptions{
			EmitPresence:      ns.Presence,
			EmitJoinLeave:     ns.JoinLeave,
			PushJoinLeave:     ns.ForcePushJoinLeave || e.JoinLeave && seesJoins,
			EnableRecovery:    ns.ForceRecovery || e.Recoverable && seesHistory,
			EnablePositioning: e.Positioned && seesHistory,
		},
	}, nil
}

func (s *Server) publish(client *centrifuge.Client, e centrifuge.PublishEvent) (centrifuge.PublishReply, error) {
	ns := s.config.namespace(e.Channel)
	if ns == nil {
		return centrifuge.PublishReply{}, centrifuge.ErrorUnknownChannel
	}
	if !ns.AllowPublishForSubscriber || !client.IsSubscribed(e.Channel) {
		return centrifuge.PublishReply{}, centrifuge.ErrorPermissionDenied
	}
	result, err := s.node.Publish(e.Channel, e.Data, centrifuge.WithClientInfo(e.ClientInfo), withHistory(ns))
	return centrifuge.PublishReply{Result: &result}, err
}

func withHistory(ns *Namespace) centrifuge.PublishOption {
	return centrifuge.WithHistory(ns.HistorySize, time.Duration(ns.HistoryTTL))
}

func (s *Server) mayAskPresence(client *centrifuge.Client, channel string) error {
	ns := s.config.namespace(channel)
	switch {
	case ns == nil:
		return centrifuge.ErrorUnknownChannel
	case !ns.Presence:
		return centrifuge.ErrorNotAvailable
	case !ns.AllowPresenceForSubscriber || !client.IsSubscribed(channel):
		return centrifuge.ErrorPermissionDenied
	}
	return nil
}

func (s *Server) mayAskHistory(client *centrifuge.Client, channel string) error {
	ns := s.config.namespace(channel)
	switch {
	case ns == nil:
		return centrifuge.ErrorUnknownChannel
	case !ns.hasHistory():
		return centrifuge.ErrorNotAvailable
	case !ns.AllowHistoryForSubscriber || !client.IsSubscribed(channel):
		return centrifuge.ErrorPermissionDenied
	}
	return nil
}

// rpc asks the backend: https://centrifugal.dev/docs/server/proxy#rpc-proxy
func (s *Server) rpc(client *centrifuge.Client, e centrifuge.RPCEvent) (centrifuge.RPCReply, error) {
	if !s.config.RPC.WithoutNamespace.ProxyEnabled {
		return centrifuge.RPCReply{}, centrifuge.ErrorNotAvailable
	}
	var answer struct {
		Result struct {
			Data json.RawMessage `json:"data"`
		} `json:"result"`
		Error *centrifuge.Error `json:"error"`
	}
	err := s.askBackend(client.Context(), map[string]any{
		"client":    client.ID(),
		"transport": client.Transport().Name(),
		"protocol":  client.Transport().Protocol(),
		"encoding":  "json",
		"user":      client.UserID(),
		"method":    e.Method,
		"data":      json.RawMessage(e.Data),
	}, &answer)
	if err != nil {
		slog.Error("error proxying RPC", "error", err)
		return centrifuge.RPCReply{}, centrifuge.ErrorInternal
	}
	if answer.Error != nil {
		return centrifuge.RPCReply{}, answer.Error
	}
	return centrifuge.RPCReply{Data: answer.Result.Data}, nil
}

func (s *Server) askBackend(ctx context.Context, question any, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	proxy := s.config.RPC.Proxy
	ctx, cancel := context.WithTimeout(ctx, time.Duration(proxy.Timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, proxy.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.backend.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("unexpected HTTP status code: %d", response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

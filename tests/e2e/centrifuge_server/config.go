package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
)

// Config is the part of Centrifugo's config that is understood here, under the
// same names: https://centrifugal.dev/docs/server/configuration
type Config struct {
	HTTPServer struct {
		Address string `json:"address"`
		Port    int    `json:"port"`
	} `json:"http_server"`
	Client struct {
		Token struct {
			HMACSecretKey string `json:"hmac_secret_key"`
		} `json:"token"`
		AllowedOrigins []string `json:"allowed_origins"`
		PingInterval   Duration `json:"ping_interval"`
		PongTimeout    Duration `json:"pong_timeout"`
	} `json:"client"`
	HTTPAPI struct {
		Key string `json:"key"`
	} `json:"http_api"`
	Channel struct {
		Namespaces []Namespace `json:"namespaces"`
	} `json:"channel"`
	RPC struct {
		Proxy struct {
			Endpoint string   `json:"endpoint"`
			Timeout  Duration `json:"timeout"`
		} `json:"proxy"`
		WithoutNamespace struct {
			ProxyEnabled bool `json:"proxy_enabled"`
		} `json:"without_namespace"`
	} `json:"rpc"`
	SSE        Switch `json:"sse"`
	HTTPStream Switch `json:"http_stream"`
	Health     Switch `json:"health"`
	Shutdown   struct {
		Timeout Duration `json:"timeout"`
	} `json:"shutdown"`
}

// Switch turns an endpoint on.
type Switch struct {
	Enabled bool `json:"enabled"`
}

// Namespace has the options of the channels "name:…".
type Namespace struct {
	Name                       string   `json:"name"`
	Presence                   bool     `json:"presence"`
	JoinLeave                  bool     `json:"join_leave"`
	ForcePushJoinLeave         bool     `json:"force_push_join_leave"`
	HistorySize                int      `json:"history_size"`
	HistoryTTL                 Duration `json:"history_ttl"`
	ForceRecovery              bool     `json:"force_recovery"`
	AllowSubscribeForClient    bool     `json:"allow_subscribe_for_client"`
	AllowPublishForSubscriber  bool     `json:"allow_publish_for_subscriber"`
	AllowPresenceForSubscriber bool     `json:"allow_presence_for_subscriber"`
	AllowHistoryForSubscriber  bool     `json:"allow_history_for_subscriber"`
}

func (ns *Namespace) hasHistory() bool {
	return ns.HistorySize > 0 && ns.HistoryTTL > 0
}

// Duration is written as "25s".
type Duration time.Duration

// UnmarshalText reads "25s".
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// readConfig reads the file, then the environment. What is not understood here
// is an error: a stand-in that overlooks an option tests something else.
func readConfig(path string) (*Config, error) {
	config := &Config{}
	config.HTTPServer.Port = 8000
	config.Client.PingInterval = Duration(25 * time.Second)
	config.Client.PongTimeout = Duration(8 * time.Second)
	config.RPC.Proxy.Timeout = Duration(time.Second)
	config.Shutdown.Timeout = Duration(30 * time.Second)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return config, config.override()
}

// override reads what the environment sets, under Centrifugo's names.
func (c *Config) override() error {
	for name, option := range map[string]any{
		"HTTP_SERVER_ADDRESS":          &c.HTTPServer.Address,
		"HTTP_SERVER_PORT":             &c.HTTPServer.Port,
		"CLIENT_TOKEN_HMAC_SECRET_KEY": &c.Client.Token.HMACSecretKey,
		"CLIENT_ALLOWED_ORIGINS":       &c.Client.AllowedOrigins,
		"CLIENT_PING_INTERVAL":         &c.Client.PingInterval,
		"CLIENT_PONG_TIMEOUT":          &c.Client.PongTimeout,
		"HTTP_API_KEY":                 &c.HTTPAPI.Key,
		"RPC_PROXY_ENDPOINT":           &c.RPC.Proxy.Endpoint,
		"RPC_PROXY_TIMEOUT":            &c.RPC.Proxy.Timeout,
		"SHUTDOWN_TIMEOUT":             &c.Shutdown.Timeout,
	} {
		name = "CENTRIFUGO_" + name
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		var err error
		switch option := option.(type) {
		case *[]string:
			*option = strings.Fields(text)
		case *Duration:
			err = option.UnmarshalText([]byte(text))
		default:
			_, err = fmt.Sscan(text, option)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// namespace finds the options of a channel; nil if its namespace is unknown.
func (c *Config) namespace(channel string) *Namespace {
	name, _, found := strings.Cut(channel, ":")
	if !found {
		// A channel without a namespace allows nothing to clients.
		return &Namespace{}
	}
	for i, ns := range c.Channel.Namespaces {
		if ns.Name == name {
			return &c.Channel.Namespaces[i]
		}
	}
	return nil
}

// originPattern matches allowed_origins, where * stands for anything.
func (c *Config) originPattern() (*regexp.Regexp, error) {
	all := regexp.QuoteMeta(strings.ToLower(strings.Join(c.Client.AllowedOrigins, " ")))
	alternatives := strings.NewReplacer(`\*`, ".*", " ", "|").Replace(all)
	return regexp.Compile("^(?:" + alternatives + ")$")
}

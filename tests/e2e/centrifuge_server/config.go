package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
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
	return config, override(reflect.ValueOf(config).Elem(), "CENTRIFUGO")
}

// override sets what the environment names: CENTRIFUGO_HTTP_SERVER_PORT is
// http_server.port. Lists are separated by spaces.
func override(value reflect.Value, name string) error {
	text, isSet := os.LookupEnv(name)
	if unmarshaler, ok := value.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if !isSet {
			return nil
		}
		return named(name, unmarshaler.UnmarshalText([]byte(text)))
	}
	if value.Kind() == reflect.Struct {
		for i := range value.NumField() {
			tag := value.Type().Field(i).Tag.Get("json")
			if err := override(value.Field(i), name+"_"+strings.ToUpper(tag)); err != nil {
				return err
			}
		}
		return nil
	}
	if !isSet {
		return nil
	}
	switch target := value.Addr().Interface().(type) {
	case *string:
		*target = text
	case *[]string:
		*target = strings.Fields(text)
	case *int:
		parsed, err := strconv.Atoi(text)
		*target = parsed
		return named(name, err)
	case *bool:
		parsed, err := strconv.ParseBool(text)
		*target = parsed
		return named(name, err)
	default:
		return fmt.Errorf("%s: can only be set in the file", name)
	}
	return nil
}

func named(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// namespace finds the options of a channel; nil if it is in none.
func (c *Config) namespace(channel string) *Namespace {
	name, _, found := strings.Cut(channel, ":")
	for i := range c.Channel.Namespaces {
		if found && c.Channel.Namespaces[i].Name == name {
			return &c.Channel.Namespaces[i]
		}
	}
	return nil
}

// originPattern matches allowed_origins, where * stands for anything.
func (c *Config) originPattern() (*regexp.Regexp, error) {
	var patterns []string
	for _, origin := range c.Client.AllowedOrigins {
		pattern := regexp.QuoteMeta(strings.ToLower(origin))
		patterns = append(patterns, strings.ReplaceAll(pattern, `\*`, ".*"))
	}
	if patterns == nil {
		return nil, nil
	}
	return regexp.Compile("^(?:" + strings.Join(patterns, "|") + ")$")
}

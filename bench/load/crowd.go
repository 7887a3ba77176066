package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// note is what is published: its number and when, in nanoseconds.
type note struct {
	N    int    `json:"n"`
	At   int64  `json:"at"`
	Text string `json:"text"`
}

// reply is a line of what Centrifugo sends: to a command, or a publication.
type reply struct {
	ID    int `json:"id"`
	Error *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Push *struct {
		Pub *struct {
			Data note `json:"data"`
		} `json:"pub"`
	} `json:"push"`
}

// crowd subscribes all connections to a channel of Centrifugo, says "ready",
// waits for a line, and publishes by Centrifugo's own HTTP API, at a steady
// rate. A unit is one message at one client, a latency the time from before the
// API is called to it. CROWD_TOKEN lets the clients in, CROWD_KEY the publisher.
func crowd(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	clients, err := open(o)
	if err != nil {
		return err
	}
	const channel = "room:1"
	if err := subscribeAll(clients, os.Getenv("CROWD_TOKEN"), channel); err != nil {
		return err
	}
	total := int(o.duration.Seconds() * float64(o.rate))
	var group sync.WaitGroup
	var errors atomic.Int64
	histograms := make([]histogram, len(clients))
	for i := range clients {
		group.Add(1)
		go func(client *client, latencies *histogram) {
			defer group.Done()
			errors.Add(int64(total - client.take(total, latencies)))
		}(clients[i], &histograms[i])
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	begun := time.Now()
	for _, client := range clients {
		client.conn.SetReadDeadline(begun.Add(o.duration + 10*time.Second))
	}
	text := strings.Repeat("x", o.size)
	for n := 0; n < total; n++ {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * time.Second / time.Duration(o.rate))))
		err := publish(o.direct, os.Getenv("CROWD_KEY"), channel, note{n, time.Now().UnixNano(), text})
		if err != nil {
			return err
		}
	}
	group.Wait()
	return merge(histograms).report(time.Since(begun).Seconds(), errors.Load())
}

// subscribeAll connects and subscribes, not more than 64 at a time.
func subscribeAll(clients []*client, token, channel string) error {
	commands := fmt.Appendf(nil, "{\"id\":1,\"connect\":{\"token\":%q}}\n"+
		"{\"id\":2,\"subscribe\":{\"channel\":%q}}", token, channel)
	errs := make(chan error, len(clients))
	slots := make(chan bool, 64)
	for _, c := range clients {
		go func(c *client) {
			slots <- true
			errs <- c.subscribe(commands)
			<-slots
		}(c)
	}
	for range clients {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func (c *client) subscribe(commands []byte) error {
	if err := c.send(opText, commands); err != nil {
		return err
	}
	for done := false; !done; {
		err := c.replies(func(r *reply) bool {
			done = done || r.ID == 2
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// take receives messages until all have come, or one is not the next; it tells
// how many came in order.
func (c *client) take(total int, latencies *histogram) int {
	next := 0
	for next < total {
		before := next
		err := c.replies(func(r *reply) bool {
			if r.Push == nil || r.Push.Pub == nil {
				return true
			}
			if r.Push.Pub.Data.N != next {
				return false
			}
			latencies.add(time.Since(time.Unix(0, r.Push.Pub.Data.At)))
			next++
			return true
		})
		if err != nil {
			fmt.Fprintf(os.Stderr, "after message %d: %v\n", before, err)
			return next
		}
	}
	return next
}

// replies receives one frame, which may hold several replies, and answers
// Centrifugo's pings.
func (c *client) replies(each func(*reply) bool) error {
	payload, err := c.receive()
	if err != nil {
		return err
	}
	for _, line := range bytes.Split(payload, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		if string(line) == "{}" {
			if err := c.send(opText, line); err != nil {
				return err
			}
			continue
		}
		r := reply{}
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		if r.Error != nil {
			return fmt.Errorf("refused: %d %s", r.Error.Code, r.Error.Message)
		}
		if !each(&r) {
			return fmt.Errorf("not the next message: %s", line)
		}
	}
	return nil
}

func publish(address, key, channel string, data note) error {
	body, err := json.Marshal(map[string]any{"channel": channel, "data": data})
	if err != nil {
		return err
	}
	request, err := http.NewRequest("POST", "http://"+address+"/api/publish", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-API-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("publishing was answered %s", response.Status)
	}
	return err
}

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// result is what a run prints. Latencies are in microseconds.
type result struct {
	Units   int64   `json:"units"`
	Errors  int64   `json:"errors"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	P999    float64 `json:"p999"`
}

func (h *histogram) report(seconds float64, errors int64) error {
	return json.NewEncoder(os.Stdout).Encode(result{
		h.count, errors, seconds, h.at(0.5), h.at(0.99), h.at(0.999),
	})
}

type options struct {
	address, path, direct string
	conns, size, rate     int
	active, pace          int
	duration              time.Duration
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.StringVar(&o.address, "address", "", "host:port of the proxy")
	flags.StringVar(&o.path, "path", "/", "the request target")
	flags.StringVar(&o.direct, "direct", "", "fan: host:port of the upstream")
	flags.IntVar(&o.conns, "conns", 64, "connections")
	flags.IntVar(&o.active, "active", 64, "http: requests under way at once")
	flags.IntVar(&o.size, "size", 100, "bytes of a message")
	flags.IntVar(&o.rate, "rate", 20, "fan: messages published a second")
	flags.IntVar(&o.pace, "pace", 0, "echo, http: units a second at most; 0 is no limit")
	flags.DurationVar(&o.duration, "duration", time.Second, "how long")
	err := flags.Parse(args)
	return o, err
}

// open opens all connections, not more than 64 at a time.
func open(o options) ([]*client, error) {
	clients := make([]*client, o.conns)
	errs := make(chan error, o.conns)
	slots := make(chan bool, 64)
	var group sync.WaitGroup
	for i := range clients {
		group.Add(1)
		slots <- true
		go func(i int) {
			defer group.Done()
			var err error
			if clients[i], err = dial(o.address, o.path); err != nil {
				errs <- err
			}
			<-slots
		}(i)
	}
	group.Wait()
	select {
	case err := <-errs:
		return nil, fmt.Errorf("%d of %d connections failed: %w", len(errs)+1, o.conns, err)
	default:
		return clients, nil
	}
}

// steps makes worker i of n wait for its next turn, by turns with the others.
func (o options) steps(begun time.Time, i, n int) func() {
	if o.pace == 0 {
		return func() {}
	}
	pause := time.Duration(n) * time.Second / time.Duration(o.pace)
	next := begun.Add(time.Duration(i) * time.Second / time.Duration(o.pace))
	return func() {
		time.Sleep(time.Until(next))
		next = next.Add(pause)
	}
}

// echo sends a message on each connection, waits for it to come back whole, and
// sends the next.
func echo(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	clients, err := open(o)
	if err != nil {
		return err
	}
	message := bytes.Repeat([]byte("sameorigin "), o.size/11+1)[:o.size]
	var group sync.WaitGroup
	var errors atomic.Int64
	histograms := make([]histogram, len(clients))
	begun := time.Now()
	end := begun.Add(o.duration)
	for i := range clients {
		group.Add(1)
		go func(client *client, latencies *histogram, wait func()) {
			defer group.Done()
			for {
				wait()
				sent := time.Now()
				if sent.After(end) {
					return
				}
				err := client.send(opText, message)
				var got []byte
				if err == nil {
					got, err = client.receive()
				}
				if err != nil || !bytes.Equal(got, message) {
					errors.Add(1)
					return
				}
				latencies.add(time.Since(sent))
			}
		}(clients[i], &histograms[i], o.steps(begun, i, len(clients)))
	}
	group.Wait()
	seconds := time.Since(begun).Seconds()
	return merge(histograms).report(seconds, errors.Load())
}

// fan subscribes all connections and publishes straight to the upstream; a unit
// is one message at one client, a latency the time from publishing to it.
func fan(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	clients, err := open(o)
	if err != nil {
		return err
	}
	publisher, err := dial(o.direct, "/publish")
	if err != nil {
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
			client.conn.SetReadDeadline(time.Now().Add(o.duration + 10*time.Second))
			for n := 0; n < total; n++ {
				got, err := client.receive()
				// Every message, in order.
				if err != nil || binary.BigEndian.Uint64(got[8:]) != uint64(n) {
					errors.Add(int64(total - n))
					return
				}
				at := time.Unix(0, int64(binary.BigEndian.Uint64(got)))
				latencies.add(time.Since(at))
			}
		}(clients[i], &histograms[i])
	}
	// The subscription of the last of them may still be on its way.
	time.Sleep(100 * time.Millisecond)
	begun := time.Now()
	message := make([]byte, max(16, o.size))
	for n := 0; n < total; n++ {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * time.Second / time.Duration(o.rate))))
		binary.BigEndian.PutUint64(message, uint64(time.Now().UnixNano()))
		binary.BigEndian.PutUint64(message[8:], uint64(n))
		if err := publisher.send(2, message); err != nil {
			return err
		}
	}
	group.Wait()
	return merge(histograms).report(time.Since(begun).Seconds(), errors.Load())
}

// idle opens all connections, says so, and holds them until its stdin ends.
func idle(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	clients, err := open(o)
	if err != nil {
		return err
	}
	for _, c := range clients {
		go c.receive()
	}
	fmt.Println(len(clients))
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// rotate keeps many connections open and has a few requests under way, each on
// the connection that was idle the longest.
func rotate(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	active := min(o.active, o.conns)
	type peer struct {
		conn   net.Conn
		reader *bufio.Reader
	}
	idle := make(chan peer, o.conns)
	for i := 0; i < o.conns; i++ {
		conn, err := net.DialTimeout("tcp", o.address, 10*time.Second)
		if err != nil {
			return fmt.Errorf("after %d connections: %w", i, err)
		}
		// Thousands would fill the table of ports with their TIME_WAIT.
		conn.(*net.TCPConn).SetLinger(0)
		idle <- peer{conn, bufio.NewReaderSize(conn, 512)}
	}
	request := []byte("GET " + o.path + " HTTP/1.1\r\nHost: " + o.address + "\r\n\r\n")
	ask := func(p peer) error {
		if _, err := p.conn.Write(request); err != nil {
			return err
		}
		return readAnswer(p.reader)
	}
	// Each connection once, so that what it costs to make is not measured.
	for i := 0; i < o.conns; i++ {
		p := <-idle
		if err := ask(p); err != nil {
			return err
		}
		idle <- p
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	var group sync.WaitGroup
	var errors atomic.Int64
	histograms := make([]histogram, active)
	begun := time.Now()
	end := begun.Add(o.duration)
	for i := range histograms {
		group.Add(1)
		go func(latencies *histogram, wait func()) {
			defer group.Done()
			for {
				wait()
				p := <-idle
				sent := time.Now()
				if sent.After(end) {
					idle <- p
					return
				}
				if err := ask(p); err != nil {
					errors.Add(1)
					return
				}
				latencies.add(time.Since(sent))
				idle <- p
			}
		}(&histograms[i], o.steps(begun, i, active))
	}
	group.Wait()
	return merge(histograms).report(time.Since(begun).Seconds(), errors.Load())
}

func readAnswer(reader *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("answered %s", line)
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := field(line, "content-length"); ok {
			fmt.Sscan(value, &length)
		}
	}
	_, err := reader.Discard(length)
	return err
}

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// serve answers HTTP/1.1 with bytes made beforehand. It is hand-made, since it
// has to be several times as fast as the fastest proxy in front of it; it
// trusts them to send well-formed requests.
func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	pages := makePages()
	hub := &hub{members: map[*member]bool{}}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go serveConn(conn, pages, hub)
	}
}

type request struct {
	path      string
	length    int
	chunked   bool
	key       string
	websocket bool
	close     bool
}

func serveConn(conn net.Conn, pages map[string][]byte, hub *hub) {
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 4096)
	for {
		req, err := readRequest(reader)
		if err != nil {
			return
		}
		if req.websocket {
			serveWebSocket(conn, reader, req, hub)
			return
		}
		if err := skipBody(reader, req); err != nil {
			return
		}
		page := pages[pageOf(req.path)]
		if _, err := conn.Write(page); err != nil || req.close {
			return
		}
	}
}

// pageOf takes "/api/small" and "/location-17/small" for "small".
func pageOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path[strings.LastIndexByte(path, '/')+1:]
}

func readRequest(reader *bufio.Reader) (request, error) {
	var req request
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return req, err
	}
	_, rest, _ := bytes.Cut(line, []byte(" "))
	path, _, _ := bytes.Cut(rest, []byte(" "))
	req.path = string(path)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return req, err
		}
		if len(line) <= 2 {
			return req, nil
		}
		switch line[0] | 0x20 {
		case 'c':
			if value, ok := field(line, "content-length"); ok {
				req.length, _ = strconv.Atoi(value)
			} else if value, ok := field(line, "connection"); ok {
				req.close = strings.EqualFold(value, "close")
			}
		case 't':
			if value, ok := field(line, "transfer-encoding"); ok {
				req.chunked = strings.EqualFold(value, "chunked")
			}
		case 'u':
			if value, ok := field(line, "upgrade"); ok {
				req.websocket = strings.EqualFold(value, "websocket")
			}
		case 's':
			if value, ok := field(line, "sec-websocket-key"); ok {
				req.key = value
			}
		}
	}
}

func field(line []byte, name string) (string, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' ||
		!strings.EqualFold(string(line[:len(name)]), name) {
		return "", false
	}
	return strings.TrimSpace(string(line[len(name)+1:])), true
}

func skipBody(reader *bufio.Reader, req request) error {
	if !req.chunked {
		_, err := reader.Discard(req.length)
		return err
	}
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 64)
		if err != nil {
			return err
		}
		if _, err := reader.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}

const plain = "HTTP/1.1 200 OK\r\n" +
	"Server: bench\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\n"

func makePages() map[string][]byte {
	text := func(headers string, body []byte) []byte {
		head := plain + headers + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
		return append([]byte(head), body...)
	}
	var json bytes.Buffer
	for i := 0; json.Len() < 300_000; i++ {
		fmt.Fprintf(&json, `{"id":%d,"user":"user%d","text":"message %d of the room"},`, i, i*7919%1000, i*i)
	}
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	writer.Write(json.Bytes())
	writer.Close()
	const jsonType = "Content-Type: application/json\r\n"
	return map[string][]byte{
		"small": text("Content-Type: text/plain\r\n", []byte("Hello, world!\n")),
		// What Django sends with a page of its admin.
		"headers": text("Content-Type: text/html; charset=utf-8\r\n"+
			"Expires: Tue, 24 Nov 2026 12:00:00 GMT\r\n"+
			"Cache-Control: max-age=0, no-cache, no-store, must-revalidate, private\r\n"+
			"Vary: Cookie, Accept-Language\r\nContent-Language: en\r\n"+
			"X-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n"+
			"Referrer-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n"+
			"Set-Cookie: csrftoken=PmF1hvVvVmTC1zSe4vQW0zG6rDkKzZpL; expires=Tue, 23 Nov 2027 12:00:00 GMT; Max-Age=31449600; Path=/; SameSite=Lax\r\n"+
			"Set-Cookie: sessionid=q1o2w3i4e5u6r7y8t9a0s1d2f3g4h5j6; expires=Tue, 08 Dec 2026 12:00:00 GMT; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax\r\n",
			[]byte("Hello, world!\n")),
		"100k": text(jsonType, json.Bytes()[:100_000]),
		"10m":  text("Content-Type: application/octet-stream\r\n", bytes.Repeat(json.Bytes()[:100_000], 100)),
		"gzip": text(jsonType+"Content-Encoding: gzip\r\n", zipped.Bytes()),
		"post": text(jsonType, []byte(`{"ok":true}`)),
		"":     text("Content-Type: text/plain\r\n", []byte("?\n")),
	}
}

// hub holds those that get what is published.
type hub struct {
	sync.Mutex
	members map[*member]bool
}

type member struct{ conn net.Conn }

// serveWebSocket echoes; under /fan it holds a subscriber, and what comes in on
// /publish goes to all of them.
func serveWebSocket(conn net.Conn, reader *bufio.Reader, req request, hub *hub) {
	_, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n"+
		"Upgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+acceptKey(req.key)+"\r\n\r\n")
	if err != nil {
		return
	}
	mode := pageOf(req.path)
	if mode == "fan" {
		me := &member{conn}
		hub.Lock()
		hub.members[me] = true
		hub.Unlock()
		defer func() {
			hub.Lock()
			delete(hub.members, me)
			hub.Unlock()
		}()
	}
	frames := frameReader{reader: reader}
	var out []byte
	for {
		opcode, payload, err := frames.next()
		if err != nil {
			return
		}
		switch opcode {
		case opPing:
			opcode = opPong
		case opPong:
			continue
		}
		out = appendFrame(out[:0], opcode, payload, false)
		if mode == "publish" && opcode < opClose {
			hub.Lock()
			for member := range hub.members {
				member.conn.Write(out)
			}
			hub.Unlock()
			continue
		}
		if _, err := conn.Write(out); err != nil || opcode == opClose {
			return
		}
	}
}

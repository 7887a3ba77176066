package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// appendFrame appends one whole message. A mask of zeros is a legal one, and
// costs the generator nothing.
func appendFrame(out []byte, opcode byte, payload []byte, masked bool) []byte {
	bit := byte(0)
	if masked {
		bit = 0x80
	}
	out = append(out, 0x80|opcode)
	switch size := len(payload); {
	case size < 126:
		out = append(out, bit|byte(size))
	case size < 65536:
		out = append(out, bit|126)
		out = binary.BigEndian.AppendUint16(out, uint16(size))
	default:
		out = append(out, bit|127)
		out = binary.BigEndian.AppendUint64(out, uint64(size))
	}
	if masked {
		out = append(out, 1, 2, 3, 4)
		start := len(out)
		out = append(out, payload...)
		unmask(out[start:], [4]byte{1, 2, 3, 4})
		return out
	}
	return append(out, payload...)
}

func unmask(payload []byte, mask [4]byte) {
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	i := 0
	for ; i+8 <= len(payload); i += 8 {
		binary.LittleEndian.PutUint64(payload[i:], binary.LittleEndian.Uint64(payload[i:])^word)
	}
	for ; i < len(payload); i++ {
		payload[i] ^= mask[i&3]
	}
}

// frameReader reads frames; the payload is valid until the next one.
type frameReader struct {
	reader  *bufio.Reader
	payload []byte
}

func (f *frameReader) next() (byte, []byte, error) {
	var head [14]byte
	if _, err := io.ReadFull(f.reader, head[:2]); err != nil {
		return 0, nil, err
	}
	if head[0]&0x80 == 0 {
		return 0, nil, fmt.Errorf("a fragment, which the benchmark sends none of")
	}
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		if _, err := io.ReadFull(f.reader, head[2:4]); err != nil {
			return 0, nil, err
		}
		size = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		if _, err := io.ReadFull(f.reader, head[2:10]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(head[2:])
	}
	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(f.reader, mask[:]); err != nil {
			return 0, nil, err
		}
	}
	if uint64(cap(f.payload)) < size {
		f.payload = make([]byte, size)
	}
	payload := f.payload[:size]
	if _, err := io.ReadFull(f.reader, payload); err != nil {
		return 0, nil, err
	}
	if head[1]&0x80 != 0 {
		unmask(payload, mask)
	}
	return head[0] & 15, payload, nil
}

// client is an open WebSocket.
type client struct {
	conn   net.Conn
	frames frameReader
	out    []byte
}

// dial opens a WebSocket, with the fields a browser sends.
func dial(address, path string) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+address+"\r\n"+
		"Upgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://"+address+"\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if err != nil {
		conn.Close()
		return nil, err
	}
	reader := bufio.NewReaderSize(conn, 4096)
	status, err := reader.ReadString('\n')
	if err == nil && !strings.HasPrefix(status, "HTTP/1.1 101") {
		err = fmt.Errorf("handshake refused: %s", strings.TrimSpace(status))
	}
	for err == nil {
		var line string
		if line, err = reader.ReadString('\n'); len(line) <= 2 {
			break
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return &client{conn: conn, frames: frameReader{reader: reader}}, nil
}

func (c *client) send(opcode byte, payload []byte) error {
	c.out = appendFrame(c.out[:0], opcode, payload, true)
	_, err := c.conn.Write(c.out)
	return err
}

// receive gives the next message, and answers pings meanwhile.
func (c *client) receive() ([]byte, error) {
	for {
		opcode, payload, err := c.frames.next()
		if err != nil {
			return nil, err
		}
		switch opcode {
		case opPing:
			if err := c.send(opPong, payload); err != nil {
				return nil, err
			}
		case opPong:
		case opClose:
			return nil, fmt.Errorf("closed by the other side: %x", payload)
		default:
			return payload, nil
		}
	}
}

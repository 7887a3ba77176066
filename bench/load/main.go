// Command load is both ends of the benchmark: the upstream behind the proxies,
// and the clients of those workloads that wrk can't do.
//
//	load upstream                       serves, prints its port, ends with its stdin
//	load echo|fan|idle|http|crowd ...   clients; print one line of JSON at the end
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: load upstream|echo|fan|idle|http|crowd [options]"))
	}
	args := os.Args[2:]
	var err error
	switch os.Args[1] {
	case "upstream":
		err = serve()
	case "echo":
		err = echo(args)
	case "fan":
		err = fan(args)
	case "idle":
		err = idle(args)
	case "crowd":
		err = crowd(args)
	case "http":
		err = rotate(args)
	default:
		err = fmt.Errorf("no mode %q", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}

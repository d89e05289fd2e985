// Command project stands in for a project while the runner of a guard goes through the rows:
//
//	go run ./sdk/contract/project
//
// It says its address in one line and ends with its input. It must import nothing but sdk/contract and the standard library.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"mcpauth.example/sdk/contract"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "project:", err)
		os.Exit(1)
	}
}

func run() error {
	fake, err := contract.NewFake()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	server := &http.Server{Handler: contract.NewControl(address, fake), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Println(address)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

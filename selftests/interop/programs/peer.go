// SPDX-License-Identifier: MIT

// Go's crypto/tls as a peer: peer client OUT FILE FILE | peer server. Orders: see ../cell.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func config() *tls.Config {
	number, err := strconv.ParseUint(os.Getenv("number"), 16, 16)
	must(err)
	pem, err := os.ReadFile(os.Getenv("ca"))
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		MaxVersion:   tls.VersionTLS12,
		CipherSuites: []uint16{uint16(number)},
		RootCAs:      roots,
		ClientCAs:    roots,
	}
}

func identity(config *tls.Config) {
	pair, err := tls.LoadX509KeyPair(os.Getenv("cert"), os.Getenv("key"))
	must(err)
	config.Certificates = []tls.Certificate{pair}
}

func fetch(config *tls.Config, file, out string) {
	conn, err := tls.Dial("tcp", "localhost:"+os.Getenv("port"), config)
	must(err)
	defer conn.Close()
	state := conn.ConnectionState()
	log.Print(tls.CipherSuiteName(state.CipherSuite), " resumed: ", state.DidResume)
	fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", file)
	answer, err := io.ReadAll(conn)
	must(err)
	_, body, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	must(os.WriteFile(out, body, 0o600))
}

func client(out string, files []string) {
	config := config()
	if os.Getenv("credentials") != "" {
		identity(config)
	}
	if os.Getenv("resume") == "ticket" {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	for i, file := range files {
		fetch(config, file, fmt.Sprint(out, "/", i+1))
	}
}

func serve(conn *tls.Conn) {
	defer conn.Close()
	if err := conn.Handshake(); err != nil {
		log.Print(err)
		return
	}
	state := conn.ConnectionState()
	log.Print(tls.CipherSuiteName(state.CipherSuite), " resumed: ", state.DidResume)
	request, err := http.ReadRequest(bufio.NewReader(conn))
	must(err)
	body, err := os.ReadFile(request.URL.Path[1:])
	must(err)
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
	conn.Write(body)
}

func server() {
	config := config()
	identity(config)
	if os.Getenv("auth") == "yes" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:"+os.Getenv("port"), config)
	must(err)
	for {
		conn, err := listener.Accept()
		must(err)
		go serve(conn.(*tls.Conn))
	}
}

func main() {
	if os.Args[1] == "client" {
		client(os.Args[2], os.Args[3:])
	} else {
		server()
	}
}

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Python's ssl as a peer: peer.py client OUT FILE FILE | peer.py server. Orders: see ../cell."""
import os
import socket
import ssl
import sys

env = os.environ
resume, group, port = env["resume"], env["group"], int(env["port"])


def context(protocol):
    ctx = ssl.SSLContext(protocol)
    ctx.minimum_version = ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    ctx.set_ciphers(env["suite"])
    ctx.load_verify_locations(env["ca"])
    if resume == "id":
        ctx.options |= ssl.OP_NO_TICKET
    return ctx


def read_all(stream):
    data = b""
    while chunk := stream.recv(65536):
        data += chunk
    return data


def client(out, files):
    ctx = context(ssl.PROTOCOL_TLS_CLIENT)
    if env["credentials"]:
        ctx.load_cert_chain(env["cert"], env["key"])
    session = None
    for number, name in enumerate(files, 1):
        sock = socket.create_connection(("localhost", port))
        with ctx.wrap_socket(sock, server_hostname="localhost", session=session) as tls:
            print(tls.version(), tls.cipher(), "reused" if tls.session_reused else "full")
            tls.sendall(f"GET /{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                        .encode())
            body = read_all(tls).split(b"\r\n\r\n", 1)[1]
            session = tls.session if resume != "-" else None
        with open(f"{out}/{number}", "wb") as file:
            file.write(body)


def answer(tls):
    request = b""
    while b"\r\n\r\n" not in request:
        request += tls.recv(65536)
    name = request.split()[1].decode().lstrip("/")
    with open(name, "rb") as file:
        body = file.read()
    tls.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                .encode() + body)


def server():
    ctx = context(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(env["cert"], env["key"])
    if group.startswith("ff"):
        ctx.load_dh_params(f"{env['pki']}/{group}.dh")
    elif group != "-":
        ctx.set_ecdh_curve(group.replace("secp256r1", "prime256v1").replace("x", "X"))
    if env["auth"] == "yes":
        ctx.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        sock, _ = listener.accept()
        try:
            with ctx.wrap_socket(sock, server_side=True) as tls:
                print(tls.cipher(), "reused" if tls.session_reused else "full", flush=True)
                answer(tls)
                tls.unwrap()
        except OSError as error:
            print(error, flush=True)


if sys.argv[1] == "client":
    client(sys.argv[2], sys.argv[3:])
else:
    server()

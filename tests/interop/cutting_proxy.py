#!/usr/bin/env python3
"""A way to a server on which connections break: cutting_proxy.py PORT TARGET_PORT BYTES CUTS

The first connections that bring more bytes than that end there; all later ones stay whole.
"""
import socket, sys, threading

port, target, most, cuts = map(int, sys.argv[1:5])
lock = threading.Lock()


def may_pass(count):
    global cuts
    with lock:
        if count <= most or cuts == 0:
            return True
        cuts -= 1
        return False


def forward(source, to, is_answer):
    count = 0
    try:
        while data := source.recv(65536):
            count += len(data)
            if is_answer and not may_pass(count):
                break
            to.sendall(data)
    except OSError:
        pass
    for end in (source, to):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


server = socket.create_server(("127.0.0.1", port))
while True:
    client, _ = server.accept()
    upstream = socket.create_connection(("127.0.0.1", target))
    threading.Thread(target=forward, args=(client, upstream, False), daemon=True).start()
    threading.Thread(target=forward, args=(upstream, client, True), daemon=True).start()

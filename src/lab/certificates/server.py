import socket, ssl, sys
try:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(sys.argv[3])
    if len(sys.argv) > 4:
        context.load_verify_locations(sys.argv[4])
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    print("ACCEPT 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    tcp, _ = listener.accept()
    tcp.settimeout(5)
    with context.wrap_socket(tcp, server_side=True) as tls:
        tls.recv(1)
        tls.sendall(b"ok")
except (ssl.SSLError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")

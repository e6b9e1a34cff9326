import socket, ssl, sys
port, host, ca = int(sys.argv[1]), sys.argv[2], sys.argv[3]
try:
    context = ssl.create_default_context(cafile=ca)
    if len(sys.argv) > 4:
        context.load_verify_locations(sys.argv[4])
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    with socket.create_connection(("127.0.0.1", port), 5) as tcp:
        with context.wrap_socket(tcp, server_hostname=host) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            tls.recv(1)
except (ssl.SSLError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")

import ssl, sys
try:
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(sys.argv[1], sys.argv[2])
except (ssl.SSLError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")

"""Takes notifications over HTTP and prints one a line: python3 receiver.py PORT."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Receiver(BaseHTTPRequestHandler):
    """Takes whatever is posted."""

    def do_POST(self) -> None:
        """Answer first, then print."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        sys.stdout.write(body.decode() + "\n")
        sys.stdout.flush()


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()

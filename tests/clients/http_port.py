from server import PATIENCE, eventually


def has_opened(server):
    """Waits for the port for HTTP, which may open a moment later than the port for clients."""
    opened = "Activated service 'http' on ["
    eventually(lambda: opened in server.log(), PATIENCE, "the port for HTTP did not open")

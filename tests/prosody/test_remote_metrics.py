"""docs/remote-metrics.md: who may read the metrics, with the configurations of the page."""

import http.client
import re
from contextlib import closing

import pytest
from pages import before_the_hosts, block, with_key, with_replacements, without_line
from server import eventually, free_port
from test_proxies import HOST, BehindNginx
from websocket import connect

PAGE = "remote-metrics.md"
# All are this machine's, and none is 127.0.0.1, which is allowed by default.
HERE, PROMETHEUS, OTHER = "127.0.0.4", "127.0.0.5", "127.0.0.6"
IPS = {"192.0.2.10": HERE, "192.0.2.20": PROMETHEUS}


@pytest.fixture
def configuration():
    page = block(PAGE, "lua", "openmetrics_allow_ips")
    return with_replacements(without_line(page, "modules_enabled"), IPS)


@pytest.fixture
def watched(prosody, options):
    """watched(configuration) makes a server that serves its metrics on a port."""

    def made(configuration, modules=("http_openmetrics",)):
        ports = {"http_ports": [free_port()], "https_ports": []}
        server = prosody({HOST: options}, modules_enabled=list(modules), **ports)
        before_the_hosts(server, configuration)
        return server

    return made


def status(client, path="/metrics"):
    with closing(client):
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read().decode()


def ask(server, source, there=HERE):
    """Returns status and text of the metrics for a machine with that IP."""
    (port,) = server.settings["http_ports"]
    serves = rf"'http' on .*\[127\.0\.0\.1\]:{port}"
    eventually(lambda: re.search(serves, server.log()), 60, "no HTTP")
    return status(http.client.HTTPConnection(there, port, source_address=(source, 0)))


def test_only_the_machine_on_the_list_reads_them(watched, configuration):
    with watched(configuration) as server:
        answer, text = ask(server, PROMETHEUS)
        assert answer == 200 and f'verifications_total{{host="{HOST}"' in text
        assert ask(server, OTHER)[0] == 403
        assert ask(server, "127.0.0.1", "127.0.0.1")[0] == 200


def test_a_network(watched, configuration):
    network = '\nopenmetrics_allow_cidr = "127.0.0.4/31"\n'
    without = without_line(configuration, "openmetrics_allow_ips")
    with watched(without + network) as server:
        assert [ask(server, source)[0] for source in (PROMETHEUS, OTHER)] == [200, 403]


def test_by_default_other_machines_do_not_reach_the_port(watched, configuration):
    with watched(without_line(configuration, "http_interfaces")) as server:
        assert ask(server, "127.0.0.1", "127.0.0.1")[0] == 200
        with pytest.raises(ConnectionRefusedError):
            ask(server, PROMETHEUS)


def test_without_the_module_and_without_statistics(watched, configuration):
    with watched(configuration, modules=["http"]) as server:
        assert ask(server, PROMETHEUS)[0] == 404
    without = without_line(configuration, "statistics")
    with watched(without_line(without, "statistics_interval")) as server:
        assert ask(server, PROMETHEUS) == (404, "No statistics provider configured\n")


@pytest.fixture
def behind_nginx(version, key, configuration):
    """behind_nginx(location) makes nginx pass these paths to Prosody, too."""
    proxied = with_key(block("proxies.md", "lua", "http_interfaces"), key)
    own = without_line(configuration, "http_interfaces")
    host = 'modules_enabled = { "websocket", "bosh"'
    assert host in proxied
    configuration = own + proxied.replace(host, f'{host}, "http_openmetrics"')

    def made(location, change=lambda nginx: nginx):
        nginx = change(block("proxies.md", "nginx", "listen 443"))
        before, application, after = nginx.partition("    # Your web application")
        assert application
        return BehindNginx(version, configuration, before + location + application + after)

    return made


def ask_nginx(server, source):
    client = http.client.HTTPConnection(HOST)
    client.sock = connect(server.port, source)
    return status(client)[0]


def test_behind_nginx(behind_nginx):
    location = with_replacements(block(PAGE, "nginx", "/metrics"), {"192.0.2.20": PROMETHEUS})
    with behind_nginx(location) as server:
        assert [ask_nginx(server, ip) for ip in (PROMETHEUS, OTHER)] == [200, 403]


@pytest.mark.parametrize("forwarded, seen", [(True, 403), (False, 200)])
def test_a_proxy_that_lets_everybody_read_metrics(behind_nginx, forwarded, seen):
    def change(nginx):
        header = "proxy_set_header X-Forwarded-For $remote_addr;"
        assert header in nginx
        return nginx if forwarded else nginx.replace(header, "")

    location = "location = /metrics { proxy_pass http://127.0.0.1:5280; }\n"
    with behind_nginx(location, change) as server:
        assert ask_nginx(server, OTHER) == seen

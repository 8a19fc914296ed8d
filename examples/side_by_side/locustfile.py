"""Twenty users at five requests a second each: the same load as `muster run --rate 100/s`."""

from locust import HttpUser, constant_throughput, task


class Visitor(HttpUser):
    wait_time = constant_throughput(5)

    @task
    def front_page(self):
        self.client.get("/")

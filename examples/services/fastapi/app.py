"""A small JSON service to load. Uvicorn writes the access log: one line per request on standard output.

    pip install -r requirements.txt
    uvicorn app:app --host 127.0.0.1 --port 8092
"""

from fastapi import FastAPI

app = FastAPI()


@app.get("/products/{product_id}")
async def product(product_id: int) -> dict[str, int | str]:
    return {"id": product_id, "name": f"product {product_id}", "price_cents": 100 * product_id}

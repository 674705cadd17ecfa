"""dlt's REST source to Parquet. `dlt_rest.py URL PER_PAGE FOLDER default|flat`; flat keeps nested values as JSON."""

import sys

import dlt
from dlt.sources.rest_api import rest_api_source

url, per_page, folder, nesting = sys.argv[1:5]
source = rest_api_source(
    {
        "client": {
            "base_url": url + "/rest/v1/",
            "paginator": {"type": "page_number", "base_page": 1, "total_path": "pagination.totalPages"},
        },
        "resources": [
            {
                "name": "users",
                "primary_key": "id",
                "endpoint": {"path": "users", "params": {"perPage": int(per_page)}, "data_selector": "results"},
            }
        ],
    }
)
if nesting == "flat":
    source.max_table_nesting = 0
pipeline = dlt.pipeline(
    pipeline_name="bench",
    pipelines_dir=folder + "/pipelines",
    destination=dlt.destinations.filesystem(bucket_url="file://" + folder + "/out"),
    dataset_name="lms",
    progress=None,
)
pipeline.run(source, loader_file_format="parquet")

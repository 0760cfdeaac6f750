"""Every night; a run that is paused (75) is skipped, not failed, and the next one goes on."""

from datetime import timedelta

import pendulum
from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    dag_id="feeds",
    schedule="10 0 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    # What is missing is known by Tidemill, not by Airflow.
    catchup=False,
    max_active_runs=1,
) as dag:
    check = BashOperator(task_id="check", bash_command="cd /srv/feeds && tidemill check jobs", retries=0)
    run = BashOperator(
        task_id="run",
        bash_command="cd /srv/feeds && tidemill run jobs --json",
        skip_on_exit_code=[75],
        retries=3,
        retry_delay=timedelta(minutes=10),
    )
    verify = BashOperator(task_id="verify", bash_command="cd /srv/feeds && tidemill verify jobs", retries=0)
    check >> run >> verify

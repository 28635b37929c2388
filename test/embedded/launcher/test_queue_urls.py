"""patches/queue_urls.py: after a start on another port a queue's URL leads to the lake."""

from launching import ACCOUNT, Launcher

TEMPLATE = """
Resources:
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: moved-by-stack}
Outputs:
  Url: {Value: !Ref Dead}
"""


def test_a_queue_is_found_where_the_lake_is_now(slow, tmp_path):
    before = Launcher(tmp_path).start()
    sqs = before.client("sqs")
    old = sqs.create_queue(QueueName="moved")["QueueUrl"]
    sqs.send_message(QueueUrl=old, MessageBody="kept")
    stacks = before.client("cloudformation")
    stacks.create_stack(StackName="moved", TemplateBody=TEMPLATE)
    stacks.get_waiter("stack_create_complete").wait(
        StackName="moved", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    before.saved()
    before.stop()

    after = Launcher(tmp_path).start()
    try:
        sqs = after.client("sqs")
        new = f"{after.url}/{ACCOUNT}/moved"
        (stack,) = after.client("cloudformation").describe_stacks(StackName="moved")["Stacks"]

        assert old == f"{before.url}/{ACCOUNT}/moved" != new
        assert sorted(sqs.list_queues()["QueueUrls"]) == [new, f"{new}-by-stack"]
        assert sqs.get_queue_url(QueueName="moved")["QueueUrl"] == new
        assert sqs.receive_message(QueueUrl=new)["Messages"][0]["Body"] == "kept"
        assert stack["Outputs"][0]["OutputValue"] == f"{new}-by-stack"
        # Made again under its name, it is the same queue.
        assert sqs.create_queue(QueueName="moved")["QueueUrl"] == new
        assert len(sqs.list_queues()["QueueUrls"]) == 2
    finally:
        after.stop()

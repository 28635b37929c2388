"""The code behind ml/sagemaker_training.ipynb, so that the notebook itself stays short."""

#!/bin/sh
# Builds one image from the root of the repository, pushes it to ECR, and looks at what ECR has got of it.
# CodeBuild runs it (infra/constructs/model/container-images.ts). From the environment: REGISTRY, the registry's host, and
# TORCH_INDEX_URL, which may be empty.
#   sh ml/build-image.sh <training|serving> <repository> <tag>
set -eu
kind=$1 repository=$2 tag=$3
image="$REGISTRY/$repository:$tag"

# A tag that is there already is not built again: a deployment that is rolled back names the old one.
if aws ecr describe-images --repository-name "$repository" --image-ids imageTag="$tag" > /dev/null 2>&1; then
  echo "$image is there already."
else
  # A builder of its own exports what it is told, whatever image store the Docker of this machine has. BuildKit's image
  # comes from Docker Hub, which may refuse the addresses that CodeBuild shares: then Docker's own builder has to do.
  docker buildx inspect images > /dev/null 2>&1 \
    || docker buildx create --name images --driver docker-container --bootstrap \
    || {
      # One that could not be started is known all the same, and would be tried again.
      docker buildx rm images > /dev/null 2>&1 || true
      echo "No builder of its own: Docker's default one builds."
    }
  builder=default
  if docker buildx inspect images > /dev/null 2>&1; then builder=images; fi
  # SageMaker takes Docker's manifests alone: no OCI manifest, and no index that attestations would make.
  docker buildx build --builder "$builder" --provenance=false --sbom=false \
    --output "type=image,name=$image,push=true,oci-mediatypes=false" \
    --build-arg TORCH_INDEX_URL --file "ml/$kind/Dockerfile" .
fi

wanted=application/vnd.docker.distribution.manifest.v2+json
found=$(aws ecr batch-get-image --repository-name "$repository" --image-ids imageTag="$tag" \
  --accepted-media-types "$wanted" application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.index.v1+json \
  application/vnd.docker.distribution.manifest.list.v2+json \
  --query 'images[0].imageManifestMediaType' --output text)
if [ "$found" != "$wanted" ]; then
  echo "$image has a manifest of type $found. SageMaker takes $wanted only, and would refuse the image when a" \
    "model or a training job is made. Look at the flags of docker buildx build in ml/build-image.sh, delete the image" \
    "(aws ecr batch-delete-image --repository-name $repository --image-ids imageTag=$tag), and deploy again." >&2
  exit 1
fi
echo "$image has a manifest that SageMaker takes."
